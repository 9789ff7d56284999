package upstream

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// TLS is how instances with https are spoken to. The zero value trusts the
// system's authorities and shows no certificate. It holds what stands in the
// files, in PEM, and not their names, so that a renewed certificate is seen as
// a change of Options. Key is a secret.
type TLS struct {
	CA   string // authorities to trust, in place of the system's
	Cert string // the client's certificate and its chain
	Key  string // its private key
	Name string // that the server's certificate must have, and SNI; default the URL's host
}

// String keeps the key out of logs.
func (t TLS) String() string { return "TLS of " + cmp.Or(t.Name, "the host") }

// Check says what is wrong with the certificates, in words that do not quote
// them.
func (t TLS) Check() error {
	_, err := t.config()
	return err
}

// config is t for the engine. ServerName is "" where it is the URL's host.
func (t TLS) config() (*tls.Config, error) {
	c := &tls.Config{
		ServerName: t.Name,
		MinVersion: tls.VersionTLS12,
		// A fresh connection for each unsafe call would be dear without resumption.
		ClientSessionCache: tls.NewLRUClientSessionCache(64),
	}
	if t.CA != "" {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM([]byte(t.CA)) {
			return nil, errors.New("the authorities have no certificate in PEM")
		}
	}
	if t.Cert == "" && t.Key == "" {
		return c, nil
	}
	pair, err := tls.X509KeyPair([]byte(t.Cert), []byte(t.Key))
	if err != nil {
		return nil, fmt.Errorf("read the certificate and its key: %w", err)
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}

// tlsConfig is the configuration of TLS of New for an instance on host, which
// has no error to return: with certificates that do not pass Check no handshake
// succeeds.
func (o Options) tlsConfig(host string) *tls.Config {
	c, err := o.TLS.config()
	if err != nil {
		c = &tls.Config{VerifyConnection: func(tls.ConnectionState) error { return err }}
	}
	c.ServerName = cmp.Or(c.ServerName, host)
	return c
}
