# SPDX-License-Identifier: MIT
# awk -v out=FOLDER -f tutorial.awk tutorial.md
#
# The programs of the tutorial as files in FOLDER; prints their names. A program is a
# block of C whose first line begins with its name in a comment.
/^```/ {
	if (file) {
		close(file)
		file = ""
	}
	begins = $0 == "```c"
	next
}
begins {
	name = substr($2, 1, length($2) - 1)	# without the colon
	file = out "/" name
	printf "" >file
	print name
	begins = 0
}
file { print >>file }
