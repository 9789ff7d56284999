package routes

// semantics are the two properties of a method that routing depends on.
type semantics struct{ safe, idempotent bool }

// methods is the HTTP Method Registry of IANA
// (https://www.iana.org/assignments/http-methods) and PURGE, which caches use.
// A method that is not in it counts as neither safe nor idempotent.
var methods = map[string]semantics{
	"ACL":               {false, true},
	"BASELINE-CONTROL":  {false, true},
	"BIND":              {false, true},
	"CHECKIN":           {false, true},
	"CHECKOUT":          {false, true},
	"COPY":              {false, true},
	"DELETE":            {false, true},
	"GET":               {true, true},
	"HEAD":              {true, true},
	"LABEL":             {false, true},
	"LINK":              {false, true},
	"LOCK":              {false, false},
	"MERGE":             {false, true},
	"MKACTIVITY":        {false, true},
	"MKCALENDAR":        {false, true},
	"MKCOL":             {false, true},
	"MKREDIRECTREF":     {false, true},
	"MKWORKSPACE":       {false, true},
	"MOVE":              {false, true},
	"OPTIONS":           {true, true},
	"ORDERPATCH":        {false, true},
	"PATCH":             {false, false},
	"POST":              {false, false},
	"PROPFIND":          {true, true},
	"PROPPATCH":         {false, true},
	"PURGE":             {false, true},
	"PUT":               {false, true},
	"QUERY":             {true, true},
	"REBIND":            {false, true},
	"REPORT":            {true, true},
	"SEARCH":            {true, true},
	"TRACE":             {true, true},
	"UNBIND":            {false, true},
	"UNCHECKOUT":        {false, true},
	"UNLINK":            {false, true},
	"UNLOCK":            {false, true},
	"UPDATE":            {false, true},
	"UPDATEREDIRECTREF": {false, true},
	"VERSION-CONTROL":   {false, true},
}
