package admin

import (
	"net/http"
	"strconv"
	"time"

	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

func (s *server) getStatus(w http.ResponseWriter, r *http.Request) { s.answer(w, r, s.status()) }

func (s *server) status() Status {
	st := Status{
		Version: s.version, Started: s.started, NotReady: s.notReady(),
		Readonly: s.readonly(), Shadow: s.stats(), Evidence: s.reports.Stats(),
		Proofs: orEmpty(s.proofs()), WriteSets: orEmpty(s.written()), Latches: orEmpty(s.control.Latches()), Overrides: orEmpty(s.control.Overrides()),
		Handover: s.handed(), Databases: orEmpty(s.live().Databases),
	}
	if t := s.control.Table(); t != nil {
		st.Table.Hash, st.Table.Routes = t.Hash(), len(t.Routes())
	}
	at, err := s.control.LastLoad()
	st.Table.LoadedAt = at
	if err != nil {
		st.Table.LoadError = err.Error()
	}
	return st
}

func (s *server) readonly() ReadonlyStatus {
	return ReadonlyStatus{State: s.gate.State(), UnderWay: s.gate.UnderWay()}
}

func (s *server) getRoutes(w http.ResponseWriter, r *http.Request) {
	s.answer(w, r, struct {
		Routes []RouteInfo `json:"routes"`
	}{s.routeInfos()})
}

func (s *server) routeInfos() []RouteInfo {
	t := s.control.Table()
	if t == nil {
		return []RouteInfo{}
	}
	overrides := map[string]control.Override{}
	for _, o := range s.control.Overrides() {
		overrides[o.Route] = o
	}
	latches := map[string]control.Latch{}
	for _, l := range s.control.Latches() {
		latches[l.Route] = l
	}
	list := make([]RouteInfo, 0, len(t.Routes()))
	for _, route := range t.Routes() {
		info := routeInfo(route)
		if o, ok := overrides[route.Name]; ok {
			info.Override = &o
		}
		if l, ok := latches[route.Name]; ok {
			info.Latch = &l
		}
		list = append(list, info)
	}
	return list
}

func routeInfo(r *routes.Route) RouteInfo {
	info := RouteInfo{
		Name: r.Name, Method: r.Method, Pattern: r.Pattern,
		Stage: string(r.Stage), Percent: r.Percent, Sticky: sticky(r.Sticky),
		Safe: r.Safe, Idempotent: r.Idempotent, Readonly: string(r.ReadOnly),
		TimeoutMS: r.Timeout.Milliseconds(), CacheTTLMS: r.Cache.TTL.Milliseconds(),
		Shadow: ShadowInfo{
			Sample: r.Shadow.Sample, Order: string(r.Shadow.Order), Run: string(r.Shadow.Run),
			TimeoutMS: r.Shadow.Timeout.Milliseconds(), BudgetMS: r.Shadow.Budget.Milliseconds(), MaxBody: r.Shadow.MaxBody,
			Recheck: RecheckInfo{
				DelayMS: r.Shadow.Recheck.Delay.Milliseconds(), Tries: r.Shadow.Recheck.Tries,
				Share: r.Shadow.Recheck.Share, Writes: r.Shadow.Recheck.Writes,
			},
		},
		Rules:    orEmpty(r.Compare.List()),
		Position: r.Position.String(),
		Writes:   r.ShadowWrites(),
	}
	if r.Legacy != nil {
		info.Legacy = r.Legacy.Name
	}
	if r.New != nil {
		info.New = r.New.Name
	}
	return info
}

func sticky(s routes.Sticky) string {
	if s.Name == "" {
		return s.Kind
	}
	return s.Kind + ":" + s.Name
}

func (s *server) postStage(w http.ResponseWriter, r *http.Request) {
	var c stageChange
	var set routes.StageSetting
	name := param(r, "name")
	err := decode(r, &c)
	if err == nil {
		_, err = s.control.Route(name) // an unknown route is what to hear of first
	}
	if err == nil {
		set, err = c.setting()
	}
	if err == nil {
		err = s.control.SetStage(r.Context(), name, set, callerOf(r).by, c.Why)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, StageSet{Route: name, Stage: string(set.Stage), Percent: set.Percent})
}

func (s *server) postReset(w http.ResponseWriter, r *http.Request) {
	var c resetChange
	err := decode(r, &c)
	if err == nil {
		err = s.control.ResetLatch(r.Context(), param(r, "name"), callerOf(r).by, c.Why)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, LatchReset{Route: param(r, "name")})
}

func (s *server) getAudit(w http.ResponseWriter, r *http.Request) {
	f, err := filter(r, "after", "limit")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	entries, next, err := s.audit(r, f.After, f.Limit)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, struct {
		Entries []control.Entry `json:"entries"`
		Next    string          `json:"next"` // the cursor of the entries after these, "" at the end
	}{orEmpty(entries), next})
}

// audit is one page of the audit.
func (s *server) audit(r *http.Request, after string, limit int) (entries []control.Entry, next string, err error) {
	var before int64
	if after != "" {
		if before, err = strconv.ParseInt(after, 10, 64); err != nil || before < 1 {
			return nil, "", reports.ErrCursor
		}
	}
	entries, err = s.control.Audit(r.Context(), before, limit)
	if err == nil && len(entries) == limit {
		next = strconv.FormatInt(entries[len(entries)-1].ID, 10)
	}
	return entries, next, err
}

func (s *server) postLoginLink(w http.ResponseWriter, r *http.Request) {
	err := decode(r, &struct{}{})
	if err == nil {
		// A link that no browser could use would only be found out there.
		err = s.checkHost(r)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	by := callerOf(r).by
	code, expires := s.sessions.newLink(by)
	s.control.Note(r.Context(), by, "login link", "valid until "+expires.UTC().Format(time.RFC3339), "")
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	s.answer(w, r, LoginLink{URL: scheme + "://" + r.Host + "/login?code=" + code, Expires: expires.UTC()})
}

// orEmpty keeps lists from being null in JSON.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
