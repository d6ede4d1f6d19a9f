export EDITOR="${EDITOR:-nano}" PAGER="${PAGER:-less}" LESS="${LESS:--FRX}"
