# shellcheck shell=bash
# ./build.sh lint: what the compiler does not check. Sourced by build.sh.
#
# Each check writes what it finds, one finding a line, to artifacts/lint/NAME.log. The tools of npm are those of eng/lint/package.json.

LINT=$ARTIFACTS/lint
# Lines of C# and shell scripts; eng/lint/docs.markdownlint.yaml has the limit for Markdown.
LONGEST_LINE=140

# The checks: name and function.
LINT_CHECKS='
formatting      check_formatting
scripts         check_scripts
line-length     check_line_length
markdown        check_markdown
spelling-docs   check_spelling_of_docs
spelling-code   check_spelling_of_code
phrases         check_phrases
'

verb_lint() {
    local name function status=0
    need_dotnet
    install_lint_tools
    say "==> Checking formatting, scripts, Markdown, spelling"
    while read -r name function; do
        if [ -n "$name" ]; then run_lint_check "$name" "$function" & fi
    done <<<"$LINT_CHECKS"
    wait
    while read -r name _; do
        if [ -n "$name" ]; then report_lint_check "$name" || status=1; fi
    done <<<"$LINT_CHECKS"
    return "$status"
}

run_lint_check() { # NAME FUNCTION: in the background; leaves a log, the exit code and the time
    local start status=0
    start=$(milliseconds)
    "$2" >"$LINT/$1.log" 2>&1 </dev/null || status=$?
    printf '%s %s\n' "$status" "$(seconds_since "$start")" >"$LINT/$1.end"
}

report_lint_check() { # NAME
    local status time
    read -r status time <"$LINT/$1.end"
    if [ "$status" -eq 0 ]; then
        printf '    %-15s ok         %s\n' "$1" "$time"
    else
        printf '    %-15s failed     %s\n' "$1" "$time"
        cat "$LINT/$1.log"
        return 1
    fi
}

# Installed again when the list of packages changes: that file is copied last.
install_lint_tools() {
    mkdir -p "$LINT"
    if cmp -s eng/lint/package-lock.json "$LINT/installed.json"; then return; fi
    cp eng/lint/package.json eng/lint/package-lock.json eng/lint/.npmrc "$LINT"
    step "Installing the tools of eng/lint/package.json" npm --prefix "$LINT" --loglevel error ci
    cp eng/lint/package-lock.json "$LINT/installed.json"
}

# The files of this repository whose names match one of the patterns.
source_files() { # PATTERN…
    local pattern tests=()
    for pattern in "$@"; do tests+=(-o -name "$pattern"); done
    find . \( -name artifacts -o -name .git -o -name bin -o -name obj \) -prune -o -type f \( "${tests[@]:1}" \) -print
}

# Style and analyzers are part of the build (EnforceCodeStyleInBuild, warnings are errors). This checks white space and line ends,
# without loading the projects.
check_formatting() { dotnet format whitespace . --folder --verify-no-changes --exclude artifacts; }

check_scripts() {
    local scripts
    mapfile -t scripts < <(shell_scripts)
    shellcheck "${scripts[@]}"
}

# By name or by first line.
shell_scripts() {
    local file first
    source_files '*' | while IFS= read -r file; do
        if [[ $file == *.sh ]] || { IFS= read -r first <"$file" && [[ $first =~ ^#!.*[/\ ](ba|da)?sh ]]; } 2>/dev/null; then
            printf '%s\n' "$file"
        fi
    done
}

# A line that holds one string literal, one line of data in a literal, or one word (such as a published signature) may be longer.
check_line_length() {
    # Without a match grep returns 1, and xargs 123.
    { source_files '*.cs'; shell_scripts; } | { LC_ALL=C.UTF-8 xargs grep -nHE "^.{$((LONGEST_LINE + 1)),}" || [ $? -eq 123 ]; } |
        { LC_ALL=C.UTF-8 grep -vE '^[^:]*:[0-9]+: *([^ ]+|[$@]*".*"u?8?[][(){},;A-Za-z.]*|[{].*[}])$' || [ $? -eq 1 ]; } | no_matches
}

check_markdown() {
    source_files '*.md' | sed 's/^/:/' |
        xargs "$LINT/node_modules/.bin/markdownlint-cli2" --config eng/lint/docs.markdownlint.yaml >/dev/null
}

# The vocabulary is eng/lint/words.txt; the words that the style guide replaces are flagWords in eng/lint/cspell.json.
check_spelling_of_docs() { source_files '*' | grep -vE '\.(cs|sh)$' | check_spelling docs; }
check_spelling_of_code() { source_files '*.cs' '*.sh' | check_spelling code; }

check_spelling() { # NAME: of the files that it reads the names of, and that eng/lint/cspell.json names
    "$LINT/node_modules/.bin/cspell" lint --config eng/lint/cspell.json --file-list stdin --no-must-find-files --no-progress --no-summary \
        --cache --cache-strategy content --cache-location "$LINT/spelling-$1.cache"
}

# Of all files but the lists themselves.
check_phrases() {
    sed '/^#/d; s/ -> .*//' eng/lint/phrases.txt >"$LINT/phrases"
    # grep: 1 without a match, 2 for a pattern that it cannot read. xargs makes 123 of both.
    local status=0
    grep -E -f "$LINT/phrases" /dev/null || status=$?
    [ "$status" -eq 1 ] || return 1
    { source_files '*.cs' '*.sh' '*.md' | xargs grep -n -H -o -w -i -E -f "$LINT/phrases" || [ $? -eq 123 ]; } | no_matches
}

# Fails when there is input, and shows it.
no_matches() { ! grep . ; }
