package render

import "github.com/quackproxy/quack/internal/wording"

// Fails is what stands against letting a report pass at a limit of Share: a line
// for each route that is above it, or the one that nothing was compared, since
// then nothing is known; nil when the report passes.
func (r Report) Fails(limit float64) []string {
	var against []string
	var compared int64
	for _, route := range r.Routes {
		compared += route.Compared
		if why := route.Above(limit); why != "" {
			against = append(against, wording.Visible(route.Name)+": "+why)
		}
	}
	if compared == 0 && against == nil {
		return []string{"nothing was compared, so nothing is known: is a route at stage shadow, ramp or verify, and is there traffic?"}
	}
	return against
}
