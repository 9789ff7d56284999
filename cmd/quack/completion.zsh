#compdef quack
# zsh completion of quack: source <(quack completion zsh)
_quack() {
  local answer value
  local -a values
  while IFS= read -r answer; do
    value="${answer%%$'\t'*}"
    if [[ $value == *:files ]]; then
      compset -P '--*='
      _files
      return
    fi
    values+=("${value//:/\\:}:${answer#*$'\t'}")
  done < <("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe quack values
}
compdef _quack quack
