package pgwire

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"golang.org/x/text/secure/precis"
)

// SCRAM-SHA-256 (RFC 5802, RFC 7677) from the server's side. Channel binding
// is not offered.

const (
	scramName       = "SCRAM-SHA-256"
	scramIterations = 4096 // PostgreSQL's default
)

// verifier is what a password is checked against; the password can not be had
// from it.
type verifier struct {
	salt       []byte
	iterations int
	storedKey  []byte
	serverKey  []byte
}

func newVerifier(password string) (*verifier, error) {
	if prepared, err := precis.OpaqueString.String(password); err == nil {
		password = prepared
	}
	v := &verifier{salt: make([]byte, 16), iterations: scramIterations}
	rand.Read(v.salt)
	salted, err := pbkdf2.Key(sha256.New, password, v.salt, v.iterations, sha256.Size)
	if err != nil {
		return nil, err
	}
	stored := sha256.Sum256(mac(salted, "Client Key"))
	v.storedKey, v.serverKey = stored[:], mac(salted, "Server Key")
	return v, nil
}

// parseVerifier reads SCRAM-SHA-256$<iterations>:<salt>$<stored>:<server>.
func parseVerifier(text string) (*verifier, error) {
	parts := strings.FieldsFunc(strings.TrimPrefix(text, scramName+"$"), func(r rune) bool { return r == '$' || r == ':' })
	if len(parts) != 4 {
		return nil, errors.New("it is not of the form SCRAM-SHA-256$iterations:salt$stored:server")
	}
	v := &verifier{}
	var err error
	if v.iterations, err = strconv.Atoi(parts[0]); err != nil || v.iterations < 1 {
		return nil, errors.New("its iterations are no number")
	}
	for i, to := range []*[]byte{&v.salt, &v.storedKey, &v.serverKey} {
		if *to, err = base64.StdEncoding.DecodeString(parts[i+1]); err != nil {
			return nil, errors.New("it is not base64")
		}
	}
	if len(v.storedKey) != sha256.Size || len(v.serverKey) != sha256.Size {
		return nil, errors.New("its keys have not 32 bytes")
	}
	return v, nil
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// converse holds the exchange; ok is false for a wrong password, and err is
// for what is no SCRAM at all.
func (v *verifier) converse(conn net.Conn) (ok bool, err error) {
	body, err := ask(conn, message('R', int32(10), scramName, byte(0)))
	if err != nil {
		return false, err
	}
	first, err := parseInitial(body)
	if err != nil {
		return false, err
	}
	nonce := first.nonce + rand.Text()
	serverFirst := fmt.Sprintf("r=%s,s=%s,i=%d", nonce, base64.StdEncoding.EncodeToString(v.salt), v.iterations)
	final, err := ask(conn, message('R', int32(11), []byte(serverFirst)))
	if err != nil {
		return false, err
	}
	signed, proof, err := parseFinal(final, first.header, nonce)
	if err != nil {
		return false, err
	}
	auth := first.bare + "," + serverFirst + "," + signed
	clientKey := mac(v.storedKey, auth)
	if len(proof) != len(clientKey) {
		return false, nil
	}
	subtle.XORBytes(clientKey, clientKey, proof)
	if got := sha256.Sum256(clientKey); subtle.ConstantTimeCompare(got[:], v.storedKey) != 1 {
		return false, nil
	}
	_, err = conn.Write(message('R', int32(12), []byte("v="+base64.StdEncoding.EncodeToString(mac(v.serverKey, auth)))))
	return true, err
}

// scramFirst is a client's first message.
type scramFirst struct {
	header string // "n,," or "y,,"
	bare   string // the rest
	nonce  string
}

func malformed(what string) error { return fatal(stateProtocol, "malformed SCRAM message: %s", what) }

// parseInitial reads a SASLInitialResponse.
func parseInitial(body []byte) (scramFirst, error) {
	mechanism, rest, ok := field(body)
	if !ok || len(rest) < 4 || int(int32(binary.BigEndian.Uint32(rest))) != len(rest)-4 {
		return scramFirst{}, malformed("no length")
	}
	if mechanism != scramName {
		return scramFirst{}, fatal(stateProtocol, "client selected an invalid SASL authentication mechanism")
	}
	text := string(rest[4:])
	f := scramFirst{}
	for _, header := range []string{"n,,", "y,,"} {
		if bare, found := strings.CutPrefix(text, header); found {
			f.header, f.bare = header, bare
		}
	}
	if f.header == "" {
		return f, malformed("channel binding, or an authorization identity, is not supported")
	}
	attributes := strings.Split(f.bare, ",")
	if len(attributes) < 2 || !strings.HasPrefix(attributes[0], "n=") || !strings.HasPrefix(attributes[1], "r=") || len(attributes[1]) < 3 {
		return f, malformed("no nonce")
	}
	f.nonce = attributes[1][2:]
	return f, nil
}

// parseFinal reads a client's last message: what of it is signed, and the proof.
func parseFinal(body []byte, header, nonce string) (signed string, proof []byte, err error) {
	at := bytes.LastIndex(body, []byte(",p="))
	if at < 0 {
		return "", nil, malformed("no proof")
	}
	signed = string(body[:at])
	binding, rest, _ := strings.Cut(signed, ",")
	if binding != "c="+base64.StdEncoding.EncodeToString([]byte(header)) {
		return "", nil, malformed("channel binding does not match")
	}
	if got, _, _ := strings.Cut(rest, ","); got != "r="+nonce {
		return "", nil, malformed("the nonce is not the one that was given")
	}
	if proof, err = base64.StdEncoding.DecodeString(string(body[at+3:])); err != nil {
		return "", nil, malformed("the proof is not base64")
	}
	return signed, proof, nil
}

// String is the verifier as pg_authid has it.
func (v *verifier) String() string {
	e := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("%s$%d:%s$%s:%s", scramName, v.iterations, e(v.salt), e(v.storedKey), e(v.serverKey))
}
