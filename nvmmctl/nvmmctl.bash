# SPDX-License-Identifier: BSD-2-Clause
#
# bash completion for nvmmctl(8). The program's own help is what it knows:
# verbs from `nvmmctl --help', options from `nvmmctl VERB --help', machines
# from the daemon.

_nvmmctl() {
	local word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]}
	local verb= i words
	local -a where=()

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-H|--host|-s|--socket)
			where+=("${COMP_WORDS[i]}" "${COMP_WORDS[i+1]}")
			((i++)) ;;
		-*)	;;
		*)	verb=${COMP_WORDS[i]}
			break ;;
		esac
	done
	case $last in
	-s|--socket|--elf)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return ;;
	--boot)		words='auto elf pvh' ;;
	--restart)	words='never on-failure always' ;;
	-H|--host|--mem|--name|--vcpus|--cmdline|--timeout|--grace|--cpu|\
	--interval|-o|--columns)
		return ;;
	*)
		if [ -z "$verb" ]; then
			words="-H -j -s -h $(nvmmctl --help 2>/dev/null |
			    sed -n 's/^  \([a-z]*\) .*/\1/p')"
		elif [[ $word == -* ]]; then
			words=$(nvmmctl "$verb" --help 2>/dev/null |
			    grep -o -e '--[a-z]*')
		else
			case $(nvmmctl "$verb" --help 2>/dev/null) in
			*NAME*)	words=$(nvmmctl "${where[@]}" list -o name \
				    2>/dev/null | sed 1d) ;;
			*)	return ;;
			esac
		fi ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _nvmmctl nvmmctl
