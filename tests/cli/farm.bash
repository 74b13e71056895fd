#!/bin/bash
# What the tests of `furrow farm` share: how it is started, how its joblog is read, how one waits for something.
# Knows scripts/run, /proc and GNU parallel's joblog; does not know how the farm works inside.
# shellcheck disable=SC2034 # the variables are for the scripts that read this file

export furrow=$BUILD/bin/furrow
bad=0
tab=$'\t'

# The commands' shell is the same for everyone, and nobody's settings count.
export SHELL=/bin/bash PARALLEL_SHELL=/bin/bash PARALLEL_HOME=$TEST_DIR/parallel-home LC_ALL=C.UTF-8
unset PARALLEL FURROW_METRICS FURROW_PROGRESS FURROW_JOURNAL OMP_NUM_THREADS
mkdir -p "$PARALLEL_HOME"

[ -x "$furrow" ] || { echo 'furrow was left out, because a library is missing' && exit 77; }
"$furrow" farm --help >/dev/null 2>&1 || { echo 'furrow farm --help: it fails' && exit 1; }

# Open MPI's mpirun has words of its own about a status that is not 0, unless it is asked for silence.
ldd "$furrow" | grep -q libmpich || launch_quietly=-q
export launch_quietly=${launch_quietly:-}

complain() { # what, files to show ...
  local file
  echo "$1"
  shift
  for file; do [ ! -s "$file" ] || head -n 40 "$file" | cut -c 1-400 | sed 's/^/  | /'; done
  bad=1
}

# A farm of $RANKS ranks (2), which has two minutes times TEST_SLOWNESS. Several run at a time: see tests/run about the folder.
farm() { # arguments of furrow farm
  # shellcheck disable=SC2086 # FLAGS are several
  OMPI_MCA_orte_tmpdir_base=$PARALLEL_HOME/mpirun.$BASHPID \
    timeout --foreground --kill-after=10 $((${TEST_SLOWNESS:-1} * 120)) \
    "$ROOT/scripts/run" -n "${RANKS:-2}" $launch_quietly ${FLAGS:-} "$furrow" farm "$@"
}

# True once the condition holds: looks every 50 ms, for a minute times TEST_SLOWNESS.
eventually() { # command ...
  local i
  for ((i = 0; i < 1200 * ${TEST_SLOWNESS:-1}; i++)); do
    "$@" && return
    sleep 0.05
  done
  return 1
}

lines_of() { if [ -e "$1" ]; then wc -l <"$1"; else echo 0; fi; } # file
has_lines() { [ "$(lines_of "$2")" -ge "$1" ]; }                   # number, file

# A command that takes a moment on all ranks but 1, where it hangs, and is noted in the file `hung`.
# shellcheck disable=SC2016
hangs_on_rank_1='if [ "$FURROW_FARM_RANK" = 1 ]; then echo "$FURROW_FARM_TASK" >>hung; exec sleep 100; fi; sleep 0.2'

# Some have hung, and by the joblog all of these were killed.
hung_is_killed() { # joblog
  [ -s hung ] && [ "$(sort -n hung)" = "$(joblog "$1" 1 8 | awk '$2 == 15 { print $1 }' | grep -Fx -f hung)" ]
}

# Columns of a joblog, one line a command, in the order of the commands.
joblog() { # file, columns ...
  local file=$1
  shift
  awk -F '\t' -v wanted="$*" 'NR > 1 {
    count = split(wanted, column, " ")
    for (i = 1; i <= count; i++) printf "%s%s", $column[i], i < count ? "\t" : "\n"
  }' "$file" | sort -n
}

# Each line whole: nine columns, numbers where numbers belong; the header once, at the top.
joblog_is_sound() { # file
  awk -F '\t' '
    NR == 1 { if ($0 != "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand") exit bad = 1; next }
    NF < 9 || $1 !~ /^[1-9][0-9]*$/ || $2 == "" || $3 !~ /^ *[0-9]+\.[0-9][0-9][0-9]$/ || $4 !~ /^ *[0-9]+\.[0-9][0-9][0-9]$/ ||
      $5 !~ /^[0-9]+$/ || $6 !~ /^[0-9]+$/ || $7 !~ /^-?[0-9]+$/ || $8 !~ /^[0-9]+$/ { exit bad = 1 }
    END { exit bad }' "$1"
}

# Processes whose environment has this word: all that a farm was given it with and what that began, wherever it has gone.
alive() { # NAME=value
  grep -lzxF -e "$1" /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3
}
nobody_alive() { [ -z "$(alive "$1")" ]; }
show_alive() { # NAME=value
  local pid
  for pid in $(alive "$1"); do ps -o pid=,args= -p "$pid"; done
}

# The process that is this rank of the farm with that word: the child of a launcher, not a process of its own.
rank_process() { # rank, NAME=value
  local pid parent
  for pid in $(alive "$2"); do
    grep -qzxF -e "OMPI_COMM_WORLD_RANK=$1" -e "PMI_RANK=$1" "/proc/$pid/environ" 2>/dev/null || continue
    parent=$(awk '/^PPid:/ { print $2 }' "/proc/$pid/status" 2>/dev/null)
    case $(cat "/proc/$parent/comm" 2>/dev/null) in mpirun* | orterun | orted | hydra_pmi_proxy) echo "$pid" && return ;; esac
  done
}

# In the background: the most that a rank of the farm with that word has of memory of its own, in KiB, as it grows.
watch_memory() { # NAME=value, file
  local pid memory most=0
  while :; do
    for pid in $(alive "$1"); do
      [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = furrow ] || continue
      memory=$(awk '/^RssAnon/ { print $2 }' "/proc/$pid/status" 2>/dev/null)
      if [ "${memory:-0}" -gt $most ]; then most=$memory && echo "$most" >"$2.new" && mv "$2.new" "$2"; fi
    done
    sleep 0.1
  done
}
