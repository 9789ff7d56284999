package txshadow

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// minSecret is the least length of a secret in bytes: below it, guessing is
// cheaper than asking.
const minSecret = 16

// Secret keys the signatures of the Quack headers. It is never printed.
// Behind a pointer, fmt does not reach it where it can not call String: in
// fields that are not exported.
type Secret struct{ key *string }

// String hides the secret from logs and errors.
func (Secret) String() string { return "[secret]" }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return "[secret]" }

// ParseSecrets reads QUACK_SHADOW_SECRET: one secret, or several separated by
// commas, of which the first signs and all are accepted. White space around a
// secret is not part of it.
func ParseSecrets(list string) ([]Secret, error) {
	if strings.TrimSpace(list) == "" {
		return nil, errors.New("no shadow secret was given\n  set QUACK_SHADOW_SECRET to what `quack token shadow` prints, the same for Quack and its backends")
	}
	var secrets []Secret
	for i, s := range strings.Split(list, ",") {
		s = strings.TrimSpace(s)
		if len(s) < minSecret {
			return nil, fmt.Errorf("shadow secret %d of the list has %d bytes, and at least %d are needed\n  make one with: openssl rand -hex 32", i+1, len(s), minSecret)
		}
		secrets = append(secrets, Secret{&s})
	}
	return secrets, nil
}

// DeriveShadowSecret is the QUACK_SHADOW_SECRET that belongs to a QUACK_SECRET,
// for set-ups that are given only the latter: HKDF-SHA256 (RFC 5869) without
// salt, info "quack shadow v1", 32 bytes, lower-case hex. A list gives a list.
func DeriveShadowSecret(quackSecret string) (string, error) {
	secrets, err := ParseSecrets(quackSecret)
	if err != nil {
		return "", fmt.Errorf("read QUACK_SECRET: %w", err)
	}
	derived := make([]string, len(secrets))
	for i, s := range secrets {
		key, err := hkdf.Key(sha256.New, []byte(*s.key), nil, "quack shadow v1", 32)
		if err != nil {
			return "", fmt.Errorf("derive the shadow secret: %w", err)
		}
		derived[i] = hex.EncodeToString(key)
	}
	return strings.Join(derived, ","), nil
}
