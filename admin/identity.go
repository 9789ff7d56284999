package admin

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// identityHeader stands on every answer of the admin listener, so that a client
// can tell it from whatever else listens at an address: any server may answer
// 200 with JSON, and its silence would be read as "read-write, no write under
// way".
const (
	identityHeader = "Quack-Admin"
	identity       = "v1"
)

// identify makes sure, without the token, that the admin listener of a quack
// serve answers at Base: the token is not for anyone else. It is asked before
// every call, since another program may have taken the address meanwhile.
func (c *Client) identify(ctx context.Context) error {
	req, err := c.request(ctx, http.MethodGet, "/healthz", nil)
	if err != nil {
		return err
	}
	res, err := c.send(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	// Read, so that the connection can serve the call itself.
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, maxChange)); err != nil {
		return fmt.Errorf("read the proxy's answer: %w", err)
	}
	return nil
}

// send sends req and takes only an answer of the admin listener. A redirect is
// none of its answers, and is not followed: it would take the token along to
// other ports of the host.
func (c *Client) send(req *http.Request) (*http.Response, error) {
	client := *defaultHTTP
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		return nil, c.unreachable(err)
	}
	if res.Header.Get(identityHeader) != identity {
		res.Body.Close()
		return nil, fmt.Errorf("%s does not answer as the admin listener of quack serve (%s without %s: %s)\ncheck --admin or QUACK_ADMIN; the port that clients connect to is another one",
			c.address(), res.Status, identityHeader, identity)
	}
	return res, nil
}

// address is Base as --admin has it.
func (c *Client) address() string {
	return strings.TrimPrefix(strings.TrimPrefix(c.Base, "http://"), "https://")
}
