package routes

import (
	"strconv"
	"time"

	"github.com/quackproxy/quack/cache"
	"github.com/quackproxy/quack/compare"
)

// settingID numbers the settings that a node of the tree may state.
type settingID int

const (
	settingLegacy settingID = iota
	settingNew
	settingStage
	settingPercent
	settingSticky
	settingSafe
	settingIdempotent
	settingTimeout
	settingSample
	settingOrder
	settingRun
	settingShadowTimeout
	settingMaxBody
	settingBudget
	settingRecheckDelay
	settingRecheckTries
	settingRecheckShare
	settingRecheckWrites
	settingReadOnly
	settingCacheTTL
	settingRewriteLegacy
	settingRewriteNew
	settingExpose
	settingRequestBody
	settingRequestHeader
	settingIdle
	settingCompress
	settingFallback
	settingTimestamps // these, up to settingNumbers: see builtins
	settingGenerated
	settingVolatile
	settingDerived
	settingNumbers
	settingRules
	settingMessages
	settingLearn
	settingRedactEmail
	settingRedactNames // these two add up along the tree
	settingRedactPatterns
	settingReadyMismatch
	settingReadyCovered
	numSettings
)

// setting is one setting of a node: how it is read, laid into a route, shown.
type setting struct {
	key  string // as in the file, dots between the mappings
	read func(l *loader, n *yamlNode, key string) (any, bool)
	set  func(r *Route, v any)
	show func(r *Route) string
}

// What holds where no node states a setting.
const defaultMaxBody = 1 << 20

func defaultRoute() *Route {
	return &Route{
		Stage:   StageLegacy,
		Sticky:  Sticky{Kind: "ip"},
		Timeout: 30 * time.Second,
		Shadow: Shadow{
			Sample:  1,
			Order:   OrderAuto,
			Run:     RunNew,
			Timeout: 10 * time.Second,
			MaxBody: defaultMaxBody,
			Budget:  250 * time.Millisecond,
			Recheck: Recheck{Delay: 200 * time.Millisecond, Tries: 1, Share: 1},
		},
		Limits:   Limits{RequestHeader: 64 << 10},
		Fallback: FallbackAuto,
		Ready:    defaultReady,
	}
}

// settings are all settings, by settingID.
var settings = [numSettings]setting{
	settingLegacy: {"legacy", readBackend,
		func(r *Route, v any) { r.Legacy = v.(*Backend) },
		func(r *Route) string { return backendName(r.Legacy) }},
	settingNew: {"new", readBackend,
		func(r *Route, v any) { r.New = v.(*Backend) },
		func(r *Route) string { return backendName(r.New) }},
	settingStage: {"stage", readStage,
		func(r *Route, v any) { r.Stage = v.(Stage) },
		func(r *Route) string { return string(r.Stage) }},
	settingPercent: {"percent", readPercent,
		func(r *Route, v any) { r.Percent = v.(float64) },
		func(r *Route) string { return showNumber(r.Percent) }},
	settingSticky: {"sticky", readSticky,
		func(r *Route, v any) { r.Sticky = v.(Sticky) },
		func(r *Route) string { return r.Sticky.String() }},
	settingSafe: {"safe", readBool,
		func(r *Route, v any) { r.Safe = v.(bool) },
		func(r *Route) string { return r.byMethod(r.Safe) }},
	settingIdempotent: {"idempotent", readBool,
		func(r *Route, v any) { r.Idempotent = v.(bool) },
		func(r *Route) string { return r.byMethod(r.Idempotent) }},
	settingTimeout: {"timeout", readDuration,
		func(r *Route, v any) { r.Timeout = v.(time.Duration) },
		func(r *Route) string { return showDuration(r.Timeout) }},
	settingSample: {"shadow.sample", readShare,
		func(r *Route, v any) { r.Shadow.Sample = v.(float64) },
		func(r *Route) string { return showShare(r.Shadow.Sample) }},
	settingOrder: {"shadow.order", readOrder,
		func(r *Route, v any) { r.Shadow.Order = v.(Order) },
		func(r *Route) string { return string(r.Shadow.Order) }},
	settingRun: {"shadow.run", readRun,
		func(r *Route, v any) { r.Shadow.Run = v.(Run) },
		func(r *Route) string { return string(r.Shadow.Run) }},
	settingShadowTimeout: {"shadow.timeout", readDuration,
		func(r *Route, v any) { r.Shadow.Timeout = v.(time.Duration) },
		func(r *Route) string { return showDuration(r.Shadow.Timeout) }},
	settingMaxBody: {"shadow.max_body", readSize,
		func(r *Route, v any) { r.Shadow.MaxBody = v.(int64) },
		func(r *Route) string { return showSize(r.Shadow.MaxBody) }},
	settingBudget: {"shadow.budget", readDuration,
		func(r *Route, v any) { r.Shadow.Budget = v.(time.Duration) },
		func(r *Route) string { return showDuration(r.Shadow.Budget) }},
	settingRecheckDelay: {"shadow.recheck.delay", readRecheckDelay,
		func(r *Route, v any) { r.Shadow.Recheck.Delay = v.(time.Duration) },
		func(r *Route) string { return showDuration(r.Shadow.Recheck.Delay) }},
	settingRecheckTries: {"shadow.recheck.tries", readRecheckTries,
		func(r *Route, v any) { r.Shadow.Recheck.Tries = v.(int) },
		func(r *Route) string { return strconv.Itoa(r.Shadow.Recheck.Tries) }},
	settingRecheckShare: {"shadow.recheck.share", readShare,
		func(r *Route, v any) { r.Shadow.Recheck.Share = v.(float64) },
		func(r *Route) string { return showShare(r.Shadow.Recheck.Share) }},
	settingRecheckWrites: {"shadow.recheck.writes", readBool,
		func(r *Route, v any) { r.Shadow.Recheck.Writes = v.(bool) },
		func(r *Route) string { return strconv.FormatBool(r.Shadow.Recheck.Writes) }},
	settingReadOnly: {"readonly", readReadOnly,
		func(r *Route, v any) { r.ReadOnly = v.(ReadOnly) },
		showReadOnly},
	settingCacheTTL: {"cache.ttl", readTTL,
		func(r *Route, v any) { r.Cache = cache.Settings{TTL: v.(time.Duration)} },
		func(r *Route) string { return showDuration(r.Cache.TTL) }},
	settingRewriteLegacy: {"rewrite.legacy.path", readRewrite,
		func(r *Route, v any) { r.rewriteTo(Legacy, v.(string)) },
		func(r *Route) string { return showRewrite(r, Legacy) }},
	settingRewriteNew: {"rewrite.new.path", readRewrite,
		func(r *Route, v any) { r.rewriteTo(New, v.(string)) },
		func(r *Route) string { return showRewrite(r, New) }},
	settingExpose: {"expose", readBool,
		func(r *Route, v any) { r.Expose = v.(bool) },
		func(r *Route) string { return strconv.FormatBool(r.Expose) }},
	settingRequestBody: {"limits.request_body", readBodyLimit,
		func(r *Route, v any) { r.Limits.RequestBody = v.(int64) },
		func(r *Route) string { return showLimit(r.Limits.RequestBody, showSize) }},
	settingRequestHeader: {"limits.request_header", readHeaderLimit,
		func(r *Route, v any) { r.Limits.RequestHeader = v.(int64) },
		func(r *Route) string { return showSize(r.Limits.RequestHeader) }},
	settingIdle: {"limits.idle", readIdle,
		func(r *Route, v any) { r.Limits.Idle = v.(time.Duration) },
		func(r *Route) string { return showLimit(r.Limits.Idle, showDuration) }},
	settingCompress: {"compress", readBool,
		func(r *Route, v any) { r.Compress = v.(bool) },
		func(r *Route) string { return strconv.FormatBool(r.Compress) }},
	settingFallback: {"fallback", readFallback,
		func(r *Route, v any) { r.Fallback = v.(Fallback) },
		func(r *Route) string { return string(r.Fallback) }},
	settingTimestamps: switchSetting("compare.timestamps", compare.Timestamps),
	settingGenerated:  switchSetting("compare.generated", compare.Generated),
	settingVolatile:   switchSetting("compare.volatile", compare.Volatile),
	settingDerived:    switchSetting("compare.derived", compare.Derived),
	settingNumbers: {"compare.numbers", readNumbers,
		func(r *Route, v any) { r.options.Numbers = v.(compare.Numbers) },
		showNumbers},
	settingRules: {"compare.rules", readRules,
		func(r *Route, v any) { r.rules = v.(*ruleList) },
		func(r *Route) string { return r.rules.String() }},
	settingMessages: {"compare.messages", readMessages,
		func(r *Route, v any) {
			r.messages = v.(*messages)
			r.options.Messages = r.messages.read
		},
		func(r *Route) string { return r.messages.String() }},
	settingLearn: {"learn", readLearn,
		func(r *Route, v any) { r.Learn = v.([]Learn) },
		showLearn},
	settingRedactEmail: {"redact.email", readBool,
		func(r *Route, v any) { r.redactEmail = v.(bool) },
		func(r *Route) string { return strconv.FormatBool(r.redactEmail) }},
	settingRedactNames: {"redact.names", redactNames,
		func(r *Route, v any) { r.redactNames = v.(*redaction) },
		func(r *Route) string { return r.redactNames.String() }},
	settingRedactPatterns: {"redact.patterns", redactPatterns,
		func(r *Route, v any) { r.redactPatterns = v.(*redaction) },
		func(r *Route) string { return r.redactPatterns.String() }},
	settingReadyMismatch: {"ready.mismatch", readReadyMismatch,
		func(r *Route, v any) { r.Ready.Mismatch = v.(float64) },
		func(r *Route) string { return showShare(r.Ready.Mismatch) }},
	settingReadyCovered: {"ready.covered", readShare,
		func(r *Route, v any) { r.Ready.Covered = v.(float64) },
		func(r *Route) string { return showShare(r.Ready.Covered) }},
}

func backendName(b *Backend) string {
	if b == nil {
		return "none"
	}
	return b.Name
}

// byMethod shows a property that a route without a method does not have as a
// whole.
func (r *Route) byMethod(v bool) string {
	if r.Method == "" && r.from[settingSafe] == nil && r.from[settingIdempotent] == nil {
		return "by method"
	}
	return strconv.FormatBool(v)
}

func showReadOnly(r *Route) string {
	if r.Method == "" && r.from[settingSafe] == nil && r.from[settingReadOnly] == nil {
		return "by method"
	}
	return string(r.ReadOnly)
}

func showRewrite(r *Route, s Side) string {
	if w, ok := r.Rewrite[s]; ok {
		return w.Path
	}
	return "none"
}

// The readers below give settings their type; see values.go for the forms.

func readBackend(l *loader, n *yamlNode, key string) (any, bool) {
	name, ok := l.name(n, key)
	if !ok {
		return nil, false
	}
	b := l.backends[name]
	if b == nil {
		l.unknownBackend(n, name)
		return nil, false
	}
	return b, true
}

func readStage(l *loader, n *yamlNode, key string) (any, bool) {
	w, ok := l.word(n, key, stageNames)
	return Stage(w), ok
}

func readOrder(l *loader, n *yamlNode, key string) (any, bool) {
	w, ok := l.word(n, key, []string{string(OrderAuto), string(OrderAfter), string(OrderBefore), string(OrderClone)}, "rewind")
	return Order(w), ok
}

func readRun(l *loader, n *yamlNode, key string) (any, bool) {
	w, ok := l.word(n, key, []string{string(RunNew), string(RunBoth)})
	return Run(w), ok
}

func readReadOnly(l *loader, n *yamlNode, key string) (any, bool) {
	w, ok := l.word(n, key, []string{string(ReadOnlyAllow), string(ReadOnlyBlock), string(ReadOnlySkip)}, "hold", "defer")
	return ReadOnly(w), ok
}

func readBool(l *loader, n *yamlNode, key string) (any, bool) {
	return n.text == "true", l.is(n, key, yamlBool)
}

func readPercent(l *loader, n *yamlNode, key string) (any, bool) {
	v, ok := l.percent(n, key)
	return v, ok
}

func readShare(l *loader, n *yamlNode, key string) (any, bool) {
	v, ok := l.share(n, key)
	return v, ok
}

func readSticky(l *loader, n *yamlNode, key string) (any, bool) {
	v, ok := l.sticky(n, key)
	return v, ok
}

func readDuration(l *loader, n *yamlNode, key string) (any, bool) {
	v, ok := l.duration(n, key, false)
	return v, ok
}

// readTTL also takes 0s, which switches an inherited cache off.
func readTTL(l *loader, n *yamlNode, key string) (any, bool) {
	v, ok := l.duration(n, key, true)
	return v, ok
}

func readSize(l *loader, n *yamlNode, key string) (any, bool) {
	v, ok := l.size(n, key)
	return v, ok
}
