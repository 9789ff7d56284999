package redact

import (
	"encoding/hex"
	"mime"
	"regexp"
	"strings"
)

// opaqueTypes are media types of messages in which names do not stand: a
// password in them is a string like others. They may well be valid text.
var opaqueTypes = map[string]bool{
	"application/proto": true, "application/protobuf": true, "application/x-protobuf": true,
	"application/vnd.google.protobuf": true, "application/x-google-protobuf": true,
}

// opaque reports whether a body of this media type can not be looked into.
func opaque(media string) bool {
	return opaqueTypes[media] || strings.HasPrefix(media, "application/grpc") ||
		strings.HasSuffix(media, "+proto") || strings.HasSuffix(media, "+protobuf")
}

func mediaOf(contentType string) (media string, params map[string]string) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		media, _, _ = strings.Cut(strings.ToLower(contentType), ";")
		media = strings.TrimSpace(media)
	}
	return media, params
}

// BodyValue is a whole body, or a line of one, as a difference shows it, perhaps
// cut short or described by its size and digest. What Body would not keep is not
// shown either.
func (r *Redactor) BodyValue(contentType, value string) string {
	media, _ := mediaOf(contentType)
	if found := described.FindStringSubmatch(value); found != nil {
		return r.keyed(found[1], found[2], found[3])
	}
	if tableTypes[media] {
		value = r.cells(value)
	}
	if value == "" || !opaque(media) && strings.IndexByte(value, 0) < 0 {
		return r.Value("body", value)
	}
	return binaryShown
}

// described is a body that stands as its size and digest, which may be keyed.
var described = regexp.MustCompile(`^(\d+ bytes, )(keyed )?sha256 ([0-9a-f]{64})$`)

// keyed is a body that stands as its size and digest with a keyed digest in the
// digest's place: that of a short body could be found by trying bodies.
func (r *Redactor) keyed(size, keyed, digest string) string {
	if keyed == "" {
		d := r.Digest([]byte(digest))
		digest = hex.EncodeToString(d[:])
	}
	return size + "keyed sha256 " + digest
}

// binaryShown stands where a difference shows binary content.
const binaryShown = "[binary content, not kept]"

// unknownField reports whether a member is a protobuf field that its type does
// not have, as package compare writes it ("?99"): what it holds is not known.
func unknownField(name string) bool {
	return len(name) > 1 && name[0] == '?' && strings.Trim(name[1:], "0123456789") == ""
}
