package txshadow

import "github.com/quackproxy/quack/txshadow/internal/catalog"

// Names by which shadows are known in a database's own views.
const (
	// SessionName is the end of the application_name of a shadow's session.
	SessionName = catalog.NameSuffix
	// PreparedName is the beginning of the name (gid) of a shadow's prepared
	// transaction, and SlotName that of a slot that decodes them.
	PreparedName = "txshadow-"
	SlotName     = "txshadow_"
)
