package routes

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxCertificates bounds a file of certificates, so that a wrong path does not
// fill the memory.
const maxCertificates = 1 << 20

// readTLS reads how a backend's https instances are spoken to. The files are
// read now: a renewed certificate comes into force with the next reload.
func (l *loader) readTLS(b *Backend, n *yamlNode) {
	at := map[string]*yamlNode{}
	file := func(key string, into *string) field {
		return field{key, func(_ Position, v *yamlNode) {
			at[key] = v
			*into = l.certificates(b, v, key)
		}}
	}
	ok := l.mapping(n, "tls",
		file("ca", &b.TLS.CA), file("cert", &b.TLS.Cert), file("key", &b.TLS.Key),
		field{"name", func(_ Position, v *yamlNode) {
			if l.is(v, "tls.name", yamlString) && !isHostName(v.text) {
				l.fault(v.pos, fmt.Sprintf("tls.name %s is not a host name", quoted(v.text)), "write the name in the server's certificate: name: accounts.internal")
				return
			}
			b.TLS.Name = v.text
		}},
	)
	if !ok {
		return
	}
	if b.TLS.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(b.TLS.CA)) {
		l.fault(at["ca"].pos, fmt.Sprintf("tls.ca %s has no certificate in it", quoted(at["ca"].text)), "name a file with the authorities in PEM, -----BEGIN CERTIFICATE-----")
	}
	switch cert, key := at["cert"], at["key"]; {
	case (cert == nil) != (key == nil):
		l.fault(n.pos, "tls has one of cert and key", "a client certificate needs both: {cert: FILE, key: FILE}")
	case b.TLS.Cert != "" && b.TLS.Key != "":
		if _, err := tls.X509KeyPair([]byte(b.TLS.Cert), []byte(b.TLS.Key)); err != nil {
			l.fault(cert.pos, fmt.Sprintf("tls.cert %s and tls.key %s are no pair: %v", quoted(cert.text), quoted(key.text), err), "name the client's certificate and its own private key, both in PEM")
		}
	}
}

func isHostName(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == ':') {
			return false
		}
	}
	return s != ""
}

// certificates is what stands in a file, "" on a fault. A relative path begins
// at the folder of routes.yaml.
func (l *loader) certificates(b *Backend, n *yamlNode, key string) string {
	if !l.is(n, "tls."+key, yamlString) {
		return ""
	}
	name := n.text
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(l.file), name)
	}
	content, err := readSmall(name, maxCertificates)
	if err != nil {
		l.fault(n.pos, fmt.Sprintf("tls.%s %s: %v", key, quoted(n.text), err), "name a file that Quack may read; a relative path begins at the folder of "+filepath.Base(l.file))
		return ""
	}
	b.TLS.files = append(b.TLS.files, key+": "+n.text)
	return content
}

// readSmall is what stands in a file of at most so many bytes.
func readSmall(name string, most int64) (string, error) {
	// Asked first: to open a pipe would wait for its other end.
	if info, err := os.Stat(name); err != nil {
		return "", withoutPath(err)
	} else if !info.Mode().IsRegular() {
		return "", errors.New("is not a file")
	}
	f, err := os.Open(name)
	if err != nil {
		return "", withoutPath(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return "", withoutPath(err)
	case int64(len(b)) > most:
		return "", fmt.Errorf("is longer than %d MiB", most>>20)
	case len(b) == 0:
		return "", errors.New("is empty")
	}
	return string(b), nil
}

// withoutPath is err without the path, which stands before it as it was written.
func withoutPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
