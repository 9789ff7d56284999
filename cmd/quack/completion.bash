# bash completion of quack: source <(quack completion bash)
_quack() {
  local line="${COMP_LINE:0:COMP_POINT}" cur="${COMP_WORDS[COMP_CWORD]}" answer value typed
  local -a words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  # Bash also breaks words at = and :, and replaces what stands behind them alone.
  [[ $cur == [=:] ]] && cur=""
  typed="${words[${#words[@]} - 1]}"
  COMPREPLY=()
  while IFS= read -r answer; do
    value="${answer%%$'\t'*}"
    if [[ $value == *:files ]]; then
      compopt -o filenames
      while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "$cur")
      return
    fi
    COMPREPLY+=("$(printf %q "${value#"${typed%"$cur"}"}")")
  done < <("${COMP_WORDS[0]}" complete -- "${words[@]:1}" 2>/dev/null)
}
complete -F _quack quack
