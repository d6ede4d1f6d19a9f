# For interactive shells.
[ -z "${PS1-}" ] && return

shopt -s checkwinsize histappend
HISTCONTROL=ignoreboth
PS1='\[\e[1;32m\]\u@\h\[\e[0m\]:\[\e[1;34m\]\w\[\e[0m\]${IN_NIX_SHELL:+ \[\e[33m\](dev)\[\e[0m\]}\$ '
alias ls='ls --color=auto' grep='grep --color=auto' ll='ls -l'

# The first TAB loads completion: at the start it would cost more than all the rest of this file.
_vzshell_completion() {
  complete -r -D
  . /usr/share/bash-completion/bash_completion
  return 124
}
complete -D -F _vzshell_completion
