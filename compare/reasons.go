package compare

// The values of Forgiven.Reason for what is forgiven without a rule.
const (
	ReasonTimestamp = "timestamp"                       // timestamps of one format, close to each other
	ReasonGenerated = "generated id"                    // ids that each side made up for its answer
	ReasonVolatile  = "volatile header"                 // a field of VolatileHeaders
	ReasonLength    = "length of an equal body"         // Content-Length of bodies that match
	ReasonValidator = "validator of an equal body"      // ETag, Last-Modified of bodies that match
	ReasonBody      = "follows from the body"           // length, digest or entity tag of a body that is reported itself
	ReasonCoding    = "follows from the content coding" // Vary beside a Content-Encoding that is reported itself
	ReasonStatus    = "follows from the status"         // all that differs beside a status of another class
	ReasonToken     = "token of a page"                 // a token against forgery, new with every page
	ReasonBoundary  = "boundary between parts"          // of a multipart body
	ReasonUnchanged = "unchanged on one side"           // a large value that an update left alone there, so that the log does not have it
)
