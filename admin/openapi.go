package admin

import (
	_ "embed"
	"fmt"
	"net/http"
	"path"

	"github.com/goccy/go-yaml"
)

// openapiYAML describes what the admin listener serves besides its pages
// (OpenAPI 3.1). A test holds every route of the handler and every answer of the
// other tests against it.
//
//go:embed openapi.yaml
var openapiYAML []byte

// description is the description in both its forms.
type description struct{ yaml, json []byte }

func newDescription() (description, error) {
	json, err := yaml.YAMLToJSON(openapiYAML)
	if err != nil {
		return description{}, fmt.Errorf("read the description of the API: %w", err)
	}
	return description{yaml: openapiYAML, json: json}, nil
}

func (s *server) getDescription(w http.ResponseWriter, r *http.Request) {
	body, media := s.description.json, "application/json"
	if path.Ext(r.URL.Path) == ".yaml" {
		body, media = s.description.yaml, "application/yaml" // RFC 9512
	}
	w.Header().Set("Content-Type", media)
	// The client may have gone; there is nobody left to tell.
	_, _ = w.Write(body)
}
