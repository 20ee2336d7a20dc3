# SPDX-License-Identifier: GPL-2.0-only
# awk -f arrows.awk arrows.txt FILE...    hold the include lines of FILEs against the table
#
# Prints what is wrong, nothing if all is well.

# The room of a file of ours, by its path.
function room(path,   name) {
	name = path
	sub(/.*\//, "", name)
	sub(/\.[^.]*$/, "", name)
	if (path ~ /^module\/tests\//) return "module/tests"
	if (path ~ /^module\//) return name
	if (path ~ /^uapi\//) return "uapi/" name
	sub(/\/[^\/]*$/, "", path)
	return path
}

# The room that an include line of FILENAME reaches, "" if it is not one of ours.
function target(include, own) {
	if (include ~ /^linux\/mailbox[a-z_]*\.h$/) return room("uapi/" include)
	if (include == "mailbox.h") return "userlib/include"
	if (FILENAME ~ /^module\// && ("module/" include) in ours) return room("module/" include)
	return ""
}

BEGIN {
	for (i = 2; i < ARGC; i++)
		ours[ARGV[i]]
}

FILENAME == ARGV[1] {
	if (/^#/ || NF == 0) next
	known[$1]
	for (i = 3; i <= NF; i++) {
		allowed[$1, $i]
		if ($2 == "->") arrow[$1] = arrow[$1] " " $i
	}
	next
}

/^[ \t]*#[ \t]*include[ \t]/ {
	include = $0
	gsub(/.*include[ \t]*[<"]|[>"].*/, "", include)
	from = room(FILENAME)
	to = target(include)
	if (to != "" && to != from && !((from, to) in allowed))
		printf "%s:%d: %s may not include %s\n", FILENAME, FNR, from, to
}

# Depth first; a room met again on the way down closes a circle.
function visit(r, path,   next_rooms, n, i) {
	if (index(path " ", " " r " ")) { print "circle:" path " " r; return }
	if (r in done) return
	n = split(arrow[r], next_rooms, " ")
	for (i = 1; i <= n; i++)
		visit(next_rooms[i], path " " r)
	done[r]
}

END {
	for (r in known)
		visit(r, "")
}
