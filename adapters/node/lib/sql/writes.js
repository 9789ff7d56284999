'use strict'

const words = (text) => new Set(text.trim().split(/\s+/))

const reads = words('show fetch move close set reset deallocate notify unlisten savepoint release rollback')
const maybe = words('select values table with declare explain prepare')

/**
 * Functions, and keywords that stand before a parenthesis, with which a SELECT
 * does not write. Leaving one out costs a little time.
 */
const harmless = words(`select from where in any all some exists and or not on as using over filter values with by
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
  character timestamp timestamptz time interval bit float version`)

/**
 * Whether a statement may change rows. A SELECT may when it locks rows, or calls
 * a function that is not known to be harmless.
 */
function mayWrite (p, verb) {
  if (verb === '' || reads.has(verb)) return false
  if (!maybe.has(verb)) return true
  return p.hasAny('insert', 'update', 'delete', 'merge', 'into', 'execute') ||
    p.has('for', 'share') || p.has('for', 'no') || p.has('for', 'key') ||
    p.calls().some((f) => !harmless.has(f))
}

module.exports = { mayWrite }
