#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Draws architecture.svg, and notes there of what; `make lint` looks whether it still is.
set -eu
cd "$(dirname "$0")"
{
	dot -Tsvg architecture.dot
	echo "<!-- of architecture.dot, $(sha256sum <architecture.dot | cut -c 1-16) -->"
} >architecture.svg.new
mv architecture.svg.new architecture.svg
