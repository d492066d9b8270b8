"""One peer in one process: reads commands as JSON lines, answers each with a line, ends with its input.

    peer.py valhalla|osrm-ch|osrm-mld|pandana

Times are CPU time of the whole process in milliseconds, memory is in megabytes. Whatever a peer prints goes to the
standard error.
"""

import ctypes
import importlib
import json
import os
import signal
import sys
import time

MODULES = {"valhalla": "on_valhalla", "osrm-ch": "on_osrm", "osrm-mld": "on_osrm", "pandana": "on_pandana"}


def end_with_parent():
    """The bench may be killed while a build runs: PR_SET_PDEATHSIG."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def memory(field):
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith(field + ":"))
    return int(line.split()[1]) / 1024


def timed(work):
    began = time.process_time_ns()
    result = work()
    return result, (time.process_time_ns() - began) / 1e6


def run_tools(commands, log):
    """Runs programs one after the other: CPU seconds of all, and the highest peak memory."""
    cpu_s, peak_mb = 0.0, 0.0
    for command in commands:
        with open(log, "a") as out:
            pid = os.fork()
            if pid == 0:
                end_with_parent()
                os.dup2(out.fileno(), 1)
                os.dup2(out.fileno(), 2)
                os.execv(command[0], command)
        _, status, usage = os.wait4(pid, 0)
        if os.waitstatus_to_exitcode(status) != 0:
            with open(log) as lines:
                raise RuntimeError(f"{os.path.basename(command[0])} failed: {lines.read()[-500:]}")
        cpu_s += usage.ru_utime + usage.ru_stime
        peak_mb = max(peak_mb, usage.ru_maxrss / 1024)
    return {"cpu_s": cpu_s, "peak_mb": peak_mb}


def routes(peer, pairs):
    times, metres = [], []
    for start, end in pairs:
        answer, cpu_ms = timed(lambda: peer.route(start, end))
        times.append(cpu_ms)
        metres.append(peer.metres(answer))
    return {"cpu_ms": times, "metres": metres}


def matrix(peer, points):
    answer, cpu_ms = timed(lambda: peer.matrix(points))
    known = [value for row in peer.table(answer) for value in row if value is not None]
    return {"cpu_ms": cpu_ms, "known": len(known), "mean": sum(known) / max(len(known), 1)}


def load(peer, command, bare_mb):
    _, load_ms = timed(lambda: peer.load(command["dir"]))
    start, end = command["pair"]
    _, route_ms = timed(lambda: peer.route(start, end))
    resident_mb = memory("VmRSS") - bare_mb
    return {"load_ms": load_ms, "to_first_route_ms": load_ms + route_ms, "resident_mb": resident_mb}


def main():
    end_with_parent()
    bare_mb = memory("VmRSS")
    # What libraries print must not come between our lines.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    name = sys.argv[1]
    peer = importlib.import_module(MODULES[name]).Peer(name)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            match command["do"]:
                case "build":
                    answer = peer.build(command["extract"], command["dir"])
                case "load":
                    answer = load(peer, command, bare_mb)
                case "routes":
                    answer = routes(peer, command["pairs"])
                case "matrix":
                    answer = matrix(peer, command["points"])
                case "weights":
                    answer = peer.weights(command["dir"])
                case other:
                    raise ValueError(f"unknown command {other}")
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
