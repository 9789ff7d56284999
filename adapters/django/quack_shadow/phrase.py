"""The tokens of one statement, and what can be asked of them."""

from .lexer import NUMBER, OTHER, QUOTED, STRING, WORD

_TARGET = {"insert": 2, "update": 1, "delete": 2, "merge": 2, "copy": 1, "truncate": 1}

# Functions, and keywords that stand before a parenthesis, with which a SELECT
# does not write. Leaving one out costs a little time.
_HARMLESS = frozenset(
    """select from where in any all some exists and or not on as using over filter values with by
    having union except intersect join lateral case when then else array row cast within group limit offset is between like
    count sum min max avg coalesce nullif greatest least array_agg string_agg json_agg jsonb_agg json_object_agg
    jsonb_object_agg bool_and bool_or every row_number rank dense_rank lag lead first_value last_value ntile
    lower upper initcap length char_length octet_length trim ltrim rtrim btrim substring substr replace concat concat_ws
    left right lpad rpad position strpos split_part format quote_ident quote_literal md5 sha256 encode decode to_char
    to_date to_timestamp to_number now date_trunc date_part extract age make_date make_interval clock_timestamp
    statement_timestamp transaction_timestamp abs ceil ceiling floor round trunc sign power sqrt mod random
    gen_random_uuid generate_series unnest array_length array_to_string string_to_array cardinality array_append
    array_remove array_position json_build_object jsonb_build_object json_build_array jsonb_build_array to_json to_jsonb
    row_to_json jsonb_set jsonb_each jsonb_array_elements json_array_elements jsonb_path_query to_tsvector to_tsquery
    plainto_tsquery websearch_to_tsquery ts_rank similarity current_setting pg_sleep numeric decimal varchar char
    character timestamp timestamptz time interval bit float""".split()
)
_SILENT = frozenset("show fetch move close set reset deallocate notify unlisten savepoint release rollback".split()) | {""}
_READING = frozenset("select values table with declare explain prepare".split())


class Phrase(list):
    """A list of tokens. Places beyond its end have no word."""

    def word(self, i):
        """The keyword or unquoted name at i, "" when there is none."""
        return self[i].text if 0 <= i < len(self) and self[i].kind == WORD else ""

    def name(self, i):
        """The name at i, quoted or not."""
        return self[i].text if 0 <= i < len(self) and self[i].kind in (WORD, QUOTED) else ""

    def is_other(self, i, text):
        return 0 <= i < len(self) and self[i].kind == OTHER and self[i].text == text

    def has(self, *words):
        """Whether the words stand one after the other."""
        return any(all(self.word(i + j) == w for j, w in enumerate(words)) for i in range(len(self)))

    def has_any(self, *words):
        return any(t.kind == WORD and t.text in words for t in self)

    def names(self, name):
        return any(self.name(i) == name for i in range(len(self)))

    def calls(self):
        """The names that stand before an opening parenthesis."""
        return [self.name(i) for i in range(len(self)) if self.name(i) and self.is_other(i + 1, "(")]

    def value(self, at):
        """The plain number or string that a SET gives, None for anything else."""
        if at + 2 != len(self) or not (self.is_other(at, "=") or self.word(at) == "to"):
            return None
        return self[at + 1].text if self[at + 1].kind in (NUMBER, STRING) else None

    def target(self, verb):
        """The table that a writing statement names first, as written."""
        at = _TARGET.get(verb)
        if at is None:
            return ""
        while self.word(at) in ("only", "table"):
            at += 1
        name = self.name(at)
        if self.is_other(at + 1, ".") and self.name(at + 2):
            name += "." + self.name(at + 2)
        return name

    def may_write(self, verb):
        """Whether the statement may change rows. A SELECT may when it locks
        rows, or calls a function that is not known to be harmless."""
        if verb in _SILENT:
            return False
        if verb not in _READING:
            return True
        return (
            self.has_any("insert", "update", "delete", "merge", "into", "execute")
            or any(self.has("for", w) for w in ("share", "no", "key"))
            or any(f not in _HARMLESS for f in self.calls())
        )
