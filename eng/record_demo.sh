#!/usr/bin/env bash
# eng/record_demo.sh [FILE]: runs ./build.sh demo and writes its output as a picture, docs/images/demo.svg.
# With FILE: the output of an earlier run. A test compares the steps of the picture with those of the demo.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

log=${1:-}
if [ -z "$log" ]; then
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    ./build.sh demo | tee "$log"
fi

# Without the lines of the build and the name of the temporary folder.
sed -n 's|/tmp/flanneltest-[^/ ]*|/tmp/flannel|g; /^flanneld for Alibaba Cloud VPC/,$p' "$log" |
    grep -v '^[0-9]* passed' | LC_ALL=C.UTF-8 awk -v limit=118 '
    function escape(text) {
        gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); gsub(/>/, "\\&gt;", text)
        return text
    }
    # A long line continues below, further to the right.
    function add(text,  cut) {
        while (length(text) > limit) {
            for (cut = limit; substr(text, cut, 1) != " "; cut--) if (cut == 20) { cut = limit; break }
            lines[++count] = substr(text, 1, cut)
            text = "       " substr(text, cut + 1)
        }
        lines[++count] = text
        if (text != "") last = count
    }
    { add($0) }
    END {
        width = int(limit * 7.25) + 32; height = last * 16 + 28
        printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\"", width, height
        print " font-family=\"ui-monospace, monospace\" font-size=\"12\">"
        print "<title>A run of ./build.sh demo</title>"
        print "<style>rect { fill: #0d1117 } text { fill: #c9d1d9; white-space: pre }"
        print ".step { fill: #58a6ff; font-weight: 600 } .time { fill: #8b949e } .good { fill: #3fb950 }</style>"
        printf "<rect width=\"%d\" height=\"%d\" rx=\"8\"/>\n", width, height
        for (i = 1; i <= last; i++) {
            if (lines[i] == "") continue
            class = ""
            if (lines[i] ~ /^[0-9]+\. /) class = " class=\"step\""
            else if (lines[i] ~ /^   \[/) class = " class=\"time\""
            else if (lines[i] ~ /^All checks passed/) class = " class=\"good\""
            printf "<text x=\"16\" y=\"%d\" xml:space=\"preserve\"%s>%s</text>\n", i * 16 + 14, class, escape(lines[i])
        }
        print "</svg>"
    }' >docs/images/demo.svg.new
[ "$(wc -l <docs/images/demo.svg.new)" -gt 20 ] || { echo "record_demo.sh: no output of the demo in $log" >&2; exit 1; }
mv docs/images/demo.svg.new docs/images/demo.svg
