package txshadow

import (
	"context"
	"net/smtp"
)

// SendMail is net/smtp's SendMail for handlers: in a shadow the mail is
// recorded as mail:name and not sent. name says which mail it is
// ("order.placed"), not for whom.
func SendMail(ctx context.Context, name, addr string, auth smtp.Auth, from string, to []string, msg []byte) error {
	return Do(ctx, "mail", name, func() error { return smtp.SendMail(addr, auth, from, to, msg) })
}
