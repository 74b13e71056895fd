#!/bin/bash
# The table of tests/cli/farm_compare: each line a name and what is run.
# shellcheck disable=SC2016 # for the cases' own shell

# ---- where arguments come from ----

same 'words' 'farm -k echo ::: a b c'
same 'all combinations' 'farm -k echo ::: a b ::: c d e'
same 'linked' 'farm -k echo ::: a b c :::+ x y z'
same 'linked, one shorter' 'farm -k echo ::: a b c :::+ x y'
same 'linked and combined' 'farm -k echo {1}{2}{3} ::: a b :::+ c d ::: e f'
same 'linked to the second' 'farm -k echo {1}{2}{3} ::: a b ::: c d :::+ e f'
same 'file' 'seq 3 >in; farm -k echo :::: in'
same 'two files after one another' 'seq 3 >in; seq 5 6 >in2; farm -k echo :::: in in2'
same 'linked files' 'seq 3 >in; seq 5 7 >in2; farm -k echo :::: in ::::+ in2'
same 'words and a file' 'seq 3 >in; farm -k echo ::: a b :::: in'
same 'option -a' 'seq 3 >in; farm -k -a in echo'
same 'option -a twice' 'seq 3 >in; seq 5 6 >in2; farm -k -a in -a in2 echo'
same 'long option of -a' 'seq 3 >in; farm --keep-order --arg-file in echo'
same 'standard input' 'seq 10 | farm -k echo'
same 'standard input by name' 'seq 3 | farm -k echo :::: -'
same 'standard input by -a' 'seq 3 | farm -k -a - echo'
same 'standard input and words' 'seq 3 | farm -k echo :::: - ::: a b'
same 'no newline at the end' 'printf "a\nb" | farm -k echo'
same 'ends with NUL' 'printf "a\0b  c\0d\ne\0" | farm -0 -k echo'
same 'ends with NUL, long name' 'printf "a\0b  c" | farm --null -k echo'
same 'NUL in words' 'farm -0 -k echo ::: "a
b" c'
same 'empty lines are arguments' 'printf "a\n\nb\n" | farm -k echo "_{}_"'
same 'empty words' 'farm -k echo "_{}_" ::: "" a ""'
same 'no input' 'farm -k echo x'
same 'no input, -r' 'farm -r -k echo x'
same 'no input, long -r' 'farm --no-run-if-empty -k echo x; echo $?'
same 'empty file' ': >in; farm -r -k echo x {} :::: in'
same 'carriage returns stay' 'printf "a\r\nb\r\n" | farm -k echo "{}." | od -c'
same 'blanks at both ends stay' 'printf "  a  \n\tb\t\n" | farm -k echo "{}" | od -c'
same 'thousand arguments' 'seq 1000 | farm -k echo | md5sum'

# ---- replacement strings ----

same 'paths' 'farm -k echo "{} {.} {/} {//} {/.} {#}" ::: /a/b.c/d.e.f g h/i ./j k.l .m a.b/c /n n/ a//b . .. x.'
same 'slot' 'farm -j1 echo "{%} {#}" ::: a b c'
same 'positions' 'farm -k echo "{2} {1} {2.} {1/} {1//} {1/.} {2/.} {-1} {-2}" ::: a/b.c d ::: e.f g/h'
same 'negative positions' 'farm -k echo "{-1.} {-1/} {-2//} {-2/.}" ::: a/b.c ::: e.f/g.h'
same 'several sources without a position' 'farm -k echo "{}" ::: a b ::: "c  d"'
same 'braces of others' 'farm -k echo "{x} {} {a,b} {1..3}" ::: a'
same 'another string' 'farm -k -I ,, echo ",,-{}-{#}" ::: a b'
same 'another string, a word' 'farm -k -I REPLACE echo xREPLACEx REPLACE ::: a b'
same 'nothing to replace' 'farm -k echo x ::: a b'
same 'only a number to replace' 'farm -k echo {#} ::: a b'
same 'only a slot to replace' 'farm -j1 echo {%} ::: a b'
same 'within words' 'farm -k echo x{}y{}z {.}{/} ::: a.b c/d'
same 'as the program' 'farm -k {} x ::: echo "printf %s\\\\n"'
same 'part of the program' 'farm -k ec{} x ::: ho'
same 'not appended where one is in a word' 'farm -k echo --x={} ::: a b'

# ---- quoting ----

same 'characters of the shell' 'farm -k echo ::: "a b" "it'\''s" '\''"q"'\'' '\''$HOME'\'' '\''`id`'\'' "\\" "*" "~" "#" ";" "&" "|" ">" "<" "(x)" "{y}" "!" "[a]" "?" "=" "%" "^" "a	b" "\$(id)" "a\\b"'
same 'characters of the shell in words' 'farm -k printf "%s.\\\\n" x{}x ::: "a b" "it'\''s" '\''"q"'\'' '\''$HOME'\'' '\''`id`'\'' "\\" "*" "~" "#" ";" "&" "|" ">" "<" "\$(id)" "a\\b"'
same 'double quotes around' 'farm -k "echo \"<{}>\"" ::: a b.c'
same 'single quotes around' "farm -k \"echo '<{}>'\" ::: a b.c"
same 'leading dashes' 'farm -k echo ::: -n --help -- -e'
same 'unicode' 'farm -k echo "{} {/.}" ::: äöü/ß.é 日本語 "µ µ" 🙂'
same 'control characters' 'printf "\001 \002\n\033[1m\n\177\n" | farm -k echo | od -c'
same 'bytes that are no UTF-8' 'printf "\377\376\n\200x\n" | farm -k echo | od -c'
same 'newlines' 'printf "a\nb\0\n\0c\n\0" | farm -0 -k printf "%s." | od -c'
same 'the command is for a shell' 'farm -k echo "\$((1 + 1))" {} ::: a'
same '-q' 'farm -kq printf "%s|" "a  b" {} "\$HOME" ">" "*" ::: "x  y" "\$HOME" ""'
same '--quote' 'farm -k --quote echo "\$HOME;" "{};" ::: a'
same '-q and a pipe sign' 'farm -kq echo {} "|" cat ::: a'
same 'pipe' 'farm -k "echo {} | tr a-z A-Z" ::: a b'
same 'redirections' 'farm "echo {} >out.{}; cat <out.{} >&2" ::: a b'
same 'and, or' 'farm -k "false || echo {} && true" ::: a b'
same 'lines' 'farm -k "echo {}
echo x" ::: a b'
same 'variables, loops' 'farm -k "for i in 1 2; do x=\${x}{}; done; echo \$x" ::: a b'
same 'subshell' 'farm -k "(cd /; pwd; echo {})" ::: a b'
same 'an assignment in front' 'farm -k X={} env "| grep ^X=" ::: 1 "2 3"'
same 'a function' 'greet() { echo "hello $1"; }; export -f greet; farm -k greet ::: a "b c"'
same 'builtins' 'farm -k "{}" ::: "type cd" "cd / && pwd" "umask" "test 1 -gt 2 || echo no" "exit 0" ": x" "[ a = a ] && echo yes" "read x; echo \$?" "set -- a b; echo \$#"'
same 'tilde and glob in the command' 'touch g1 g2; farm -k echo "g*" "~" {} ::: a'
same 'bash, not sh' 'farm -k "[[ {} == a* ]] && echo {1} <(true) | wc -w" ::: ab b'

# ---- whole lines ----

same 'lines are commands' 'printf "%s\n" "echo a" "echo b | cat" "echo c >&2" "  echo d  e" | farm -k --joblog log'
same 'lines of a file' 'printf "%s\n" "echo a" "false" "exit 3" "echo \"x  y\" >made" >in; farm -k -a in --joblog log'
same 'words are commands' 'farm -k ::: "echo a b" "echo \"c  d\"" "printf %s e"'
same 'braces in lines' 'farm -k ::: "echo {}" "echo {.}"'
same 'a comment behind a command' 'farm -k ::: "echo d # e" "echo f"'
same 'lines with NUL' 'printf "echo a\necho b\0echo c\0" | farm -0 -k'
same 'lines that end with a backslash' 'printf "%s\n" "echo a\\" "echo b" | farm -k'
same 'lines of a loop' 'printf "%s\n" "for i in 1 2; do echo \$i; done" "if true; then echo x; fi" "! false; echo \$?" | farm -k'

# ---- columns ----

same 'columns' 'printf "a b\nc d\n" | farm -k --colsep " " echo "{2} {1}"'
same 'columns, short' 'printf "a,b,c\nd,e\n" | farm -k -C , echo "_{1}_ _{2}_ _{3}_"'
same 'columns by an expression' 'printf "a,b;;c\nd;e,f\n" | farm -k -C "[,;]+" echo "_{1}_ _{2}_ _{3}_"'
same 'columns by tabs' 'printf "a b\tc d\n" | farm -k --colsep "\t" echo "{2}-{1}"'
same 'columns all' 'printf "a,b\nc,d\n" | farm -k -C , echo "_{}_"'
same 'columns without a replacement' 'printf "a,b\nc,d\n" | farm -k -C , echo'
same 'empty columns' 'printf ",b\nc,\n,,\n" | farm -k -C , echo "_{1}_ _{2}_ _{3}_"'
same 'columns of words' 'farm -k -C , echo "{2} {1}" ::: a,b c,d'
same 'columns of two sources' 'farm -k -C , echo "{1} {2} {3}" ::: a,b c,d ::: e f'
same 'columns of paths' 'printf "a/b.c d/e.f\n" | farm -k -C " " echo "{1/} {2.} {2//} {1/.} {-1}"'

# ---- output ----

same 'tag' 'farm -k --tag "echo {}; echo x" ::: a b'
same 'tag of several' 'farm -k --tag echo ::: a b ::: c'
same 'tag on errors' 'farm -k --tag "echo {} >&2" ::: a b'
same 'tag and no newline at the end' 'farm -j1 --tag printf "%s" ::: a b'
same 'tag of empty output' 'farm -j1 --tag true ::: a b'
same 'tag of characters' 'farm -k --tag echo ::: "a  b" "\$x" "it'\''s"'
same 'tagstring' 'farm -k --tagstring "{1}-{#}" echo ::: a b ::: c'
same 'tagstring of paths' 'farm -k --tagstring "{/.}:" echo ::: a/b.c d/e'
same 'tag with columns' 'farm -k --tag -C , echo {2} ::: a,b c,d'
same 'tag by lines' 'farm -j1 --tag --line-buffer "echo {}; echo x; printf y" ::: a b'
same 'group' 'farm --group -j1 "echo {}; echo e{} >&2" ::: a b'
same 'lines, short name' 'farm -j1 --lb "echo {}; echo e{} >&2" ::: a b'
same 'ungroup' 'farm -j1 -u "echo {}; echo e{} >&2" ::: a b'
same 'order' 'farm -k -j4 "sleep 0.{}; echo {}" ::: 4 1 3 2'
same 'output without a newline' 'farm -k printf %s ::: a b c'
same 'results' 'farm --results dir "echo {}; echo e{} >&2" ::: a b'
same 'results of several' 'farm --results dir echo ::: a b ::: c d'
same 'results with odd names' 'farm --results dir echo ::: "a b" x/y . .. "*" "a	b"'
same 'results of columns' 'farm --results dir -C , echo {1} {2} ::: a,b c,d'
same 'results and -k' 'farm -k --results dir "echo {}; exit {}" ::: 0 1'
same 'results in order with a joblog' 'farm -k --results dir --joblog log echo ::: a b'
same 'results and tag' 'farm -k --tag --results dir echo ::: a b'

# ---- joblog and exit status ----

same 'joblog' 'farm --joblog log echo ::: a "b c"'
same 'joblog of failures' 'farm --joblog log exit ::: 0 1 2 255 0'
same 'joblog of signals' 'farm --joblog log "kill -{} \$\$" ::: 9 15 11 1'
same 'joblog of crashes' 'farm --joblog log "ulimit -c 0; sh -c \"kill -SEGV \\\$\\\$\"" ::: 1'
same 'joblog of several lines' 'farm --joblog log "echo {}
echo x" ::: a'
same 'joblog counts bytes' 'farm -k --joblog full head -c {} /dev/zero ::: 0 10 100000 | wc -c; cut -f 6 full | sort -n >received; rm full'
same 'not found' 'farm --joblog log no-such-program-here ::: a 2>/dev/null'
same 'not found, directory' 'farm --joblog log /no/such/program ::: a 2>/dev/null'
same 'not executable' 'echo x >file; farm --joblog log ./file ::: a 2>/dev/null'
same 'a directory is no program' 'farm --joblog log / ::: a 2>/dev/null'
same 'not found among others' 'farm -k --joblog log ::: "echo a" "no-such-program" "echo b" 2>/dev/null'
same 'three failures' 'farm -k "exit {}" ::: 0 3 4 5'
same '100 failures' 'seq 100 | farm false'
same '101 failures' 'seq 101 | farm false'
same '130 failures' 'seq 130 | farm "exit 2; #"'
same 'a missing file' 'farm echo :::: no-such-file 2>/dev/null'
same 'an unknown option' 'farm --no-such-option echo ::: a >/dev/null 2>&1'

# ---- retries, timeouts, halts ----

same 'retries' 'farm --retries 3 --joblog log "echo x >>count.{}; [ \$(wc -l <count.{}) -ge {} ]" ::: 1 2 3 4 5'
same 'retries print the last' 'farm -k --retries 3 "echo x >>count.{}; wc -l <count.{}; false" ::: a b'
same 'retries of one' 'farm --retries 1 --joblog log "echo x >>count; false" ::: a'
same 'timeout' 'farm -j4 --timeout 1 --joblog log "echo {}; sleep {}" ::: 0 30 0'
same 'timeout in a fraction' 'farm -j4 --timeout 0.7 --joblog log sleep ::: 0 30'
same 'timeout kills the children' 'farm --timeout 1 "(sleep 3; touch late) & wait; : {}" ::: a; sleep 3'
same 'timeout by the median' 'farm -j1 --timeout 500% --joblog log sleep ::: 0.2 0.2 0.2 0.2 30'
same 'timeout and retries' 'farm --timeout 0.5 --retries 2 --joblog log "echo x >>count; sleep 20; : {}" ::: a'
same 'halt now, fail' 'farm -j1 --halt now,fail=1 --joblog log "echo {}; exit {}" ::: 0 3 0 0'
same 'halt now kills' 'farm -j2 --halt now,fail=1 "sleep {}; [ {} = 30 ]" ::: 0.5 30'
same 'halt soon, fail' 'farm -j1 --halt soon,fail=1 --joblog log "echo {}; exit {}" ::: 0 3 0 0'
same 'halt soon, two' 'farm -j1 --halt soon,fail=2 --joblog log "echo {}; exit {}" ::: 0 3 0 4 0 0'
same 'halt soon lets run' 'farm -j2 --halt soon,fail=1 "sleep {}; touch end.{}; [ {} != 0.1 ]" ::: 0.1 1'
same 'halt now, success' 'farm -j1 --halt now,success=1 --joblog log "echo {}; exit {}" ::: 3 0 0 0'
same 'halt soon, success' 'farm -j1 --halt soon,success=1 --joblog log "echo {}; exit {}" ::: 3 4 0 0'
same 'halt now, done' 'farm -j1 --halt now,done=2 --joblog log "echo {}; exit {}" ::: 0 3 0 0'
same 'halt soon, part' 'farm -j1 --halt soon,fail=30% --joblog log "echo {}; exit {}" ::: 1 0 0 1 0 1 0 0 0 0'
same 'halt now, part that succeeds' 'farm -j1 --halt now,success=20% --joblog log "echo {}; exit {}" ::: 0 0 0 0 1 0 0 0 0 0'
same 'halt never' 'farm -j1 --halt never "echo {}; exit {}" ::: 3 0'
same 'halt 1' 'farm -j1 --halt 1 --joblog log "echo {}; exit {}" ::: 0 3 0 0'
same 'halt 2' 'farm -j1 --halt 2 --joblog log "echo {}; exit {}" ::: 0 3 0 0'
same 'halt and a signal' 'farm -j1 --halt now,fail=1 --joblog log "kill -9 \$\$" ::: a b'
same 'halt that does not come' 'farm -j1 --halt now,fail=3 --joblog log exit ::: 0 1 2 0'

# ---- resume ----

same 'resume' 'farm --joblog log "echo {} >>ran" ::: a b; sort -o ran ran; farm --resume --joblog log "echo {} >>ran" ::: a b c d; sort -o ran ran'
same 'resume keeps failures' 'farm --joblog log "echo {} >>ran; exit {}" ::: 0 1; farm --resume --joblog log "echo {} >>ran; exit {}" ::: 0 1 2; sort -o ran ran'
same 'resume failed' 'farm --joblog log "echo {} >>ran; [ -e again ]" ::: a b; touch again; farm --resume-failed --joblog log "echo {} >>ran" ::: a b c; sort -o ran ran'
same 'resume failed only once' 'farm -j1 --joblog log "exit {}" ::: 0 1 2; farm -j1 --resume-failed --joblog log "echo {} >>ran; true" ::: 0 1 2; farm -j1 --resume-failed --joblog log "echo {} >>ran; true" ::: 0 1 2'
same 'resume of nothing' 'farm -k --resume --joblog log echo ::: a b'
same 'resume of all' 'farm -k --joblog log echo ::: a b; farm -k --resume --joblog log echo ::: a b; echo $?'
same 'resume with results' 'farm -k --results dir --joblog log echo ::: a b; farm -k --results dir --resume --joblog log echo ::: a b c'
same 'resume without a joblog' 'farm --resume echo ::: a 2>/dev/null; echo $?'
same 'joblog written anew' 'farm --joblog log echo ::: a b c; farm --joblog log echo ::: x'

# ---- the rest ----

same 'dry run' 'farm -k --dry-run echo {} x ::: a b.c'
same 'dry run with a shell' 'farm -k --dry-run "echo {} >made | cat" ::: a b'
same 'dry run of lines' 'farm -k --dry-run ::: "echo a" "touch made"'
same 'dry run in a joblog' 'farm -k --dry-run --joblog log echo ::: a b; [ -s log ]; echo $?'
same 'directory' 'mkdir -p sub; farm -k --wd "$PWD/sub" "basename \$PWD >here" ::: a'
same 'directory, long name' 'mkdir -p sub; farm -k --workdir "$PWD/sub" "touch {}" ::: a'
same 'a new directory' 'farm -k --wd "$PWD/new/directory" "touch {}" ::: a'
same 'nice' 'farm -k --nice 7 "nice; true {}" ::: a'
same 'one at a time' 'farm -j1 "echo {} >>order" ::: 3 1 2'
same 'many at a time' 'farm -j0 "sleep 0.5; echo {}" ::: 1 2 3 4 5 6 7 8'
same 'a part of the cores' 'farm -j50% echo ::: 1 2 3'
same 'twice the cores' 'farm -j200% echo ::: 1 2 3'
same 'long name of -j' 'farm --jobs 2 echo ::: 1 2 3'
same 'blank behind -j' 'farm -j 2 echo ::: 1 2 3'
same 'options of the command' 'farm -k ls -d --color=never -- ::: / /tmp'
same 'options before and behind' 'farm -k echo -k -j2 --tag ::: a'

same 'standard input of commands' 'printf "x\n" >in; farm -j1 cat ::: - - <in'

# ---- other than GNU parallel, on purpose ----

differs 'a long argument' 'the limit is the system'"'"'s (128 KiB an argument), not a guess of it' \
  'head -c 100000 /dev/zero | tr "\0" x >in; echo >>in; farm "echo {} | wc -c" :::: in' 100001
differs 'a here-document' 'a shell would read more in an argument there than its text' 'farm -k "cat <<E
{}
E" ::: a 2>/dev/null' ''
differs 'blanks in quotes' 'an argument in quotes is one text' "farm -k \"echo '{}' | cat\" ::: 'a  b'" 'a  b'
differs 'halt soon, done' 'the status is the number of failures, of which there are none' \
  'farm -j1 --halt soon,done=2 "echo {}; exit {}" ::: 0 0 0 0 2>/dev/null; echo status $?' $'0\n0\nstatus 0'
differs 'blank lines and comments' 'they are nothing to run, but keep their number, which is that of the line' \
  'printf "echo a\n\n# c\n  # d\n \t\necho b\n" | farm -k --joblog log; cut -f 1 log | tail -n +2 | sort -n' $'a\nb\n1\n6'
