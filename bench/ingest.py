"""Ingest against its peers: the same files, one after the other in turns, each as a process of its own on one thread.

Prints a table of medians and writes docs/benchmarks.md. `scripts/bench-ingest` calls it; see there for the arguments.
"""
import argparse
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

MB = 1_000_000
# Seconds that a peer has for one input; one that does not end in them is not asked again.
PATIENCE = 60

# Each peer as the program that its users would write: every file of a folder into Parquet with zstd.
PEERS = {
    "DuckDB, sampled": """
import duckdb, sys
c = duckdb.connect(); c.execute("set threads=1")
c.execute(f"copy (select * from read_csv('{sys.argv[1]}/*.csv')) to '{sys.argv[2]}/out.parquet' (format parquet, compression zstd)")
""",
    "DuckDB, whole file": """
import duckdb, sys
c = duckdb.connect(); c.execute("set threads=1")
c.execute(f"copy (select * from read_csv('{sys.argv[1]}/*.csv', sample_size=-1)) to '{sys.argv[2]}/out.parquet' (format parquet, compression zstd)")
""",
    "Polars": """
import polars, sys
polars.scan_csv(f"{sys.argv[1]}/*.csv", infer_schema_length=None, try_parse_dates=True).sink_parquet(f"{sys.argv[2]}/out.parquet", compression="zstd")
""",
    "DataFusion": """
import datafusion, sys
c = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(1))
c.register_csv("t", sys.argv[1], file_extension=".csv")
c.sql(f"copy (select * from t) to '{sys.argv[2]}/out.parquet' stored as parquet options ('compression' 'zstd(3)')").collect()
""",
    "pyarrow": """
import glob, sys, pyarrow as pa, pyarrow.csv as csv, pyarrow.parquet as parquet
pa.set_cpu_count(1)
for n, file in enumerate(sorted(glob.glob(f"{sys.argv[1]}/*.csv"))):
    parquet.write_table(csv.read_csv(file), f"{sys.argv[2]}/{n}.parquet", compression="zstd")
""",
}


# What is so in a table that was read as it should be, and what is wrong when it is not.
RIGHT = {
    "lineitem": [
        ("typeof(any_value(l_shipdate)) = 'DATE'", "dates are text"),
        ("sum(l_extendedprice) > 1e6", "prices are no numbers"),
    ],
    "200 columns": [
        ("typeof(any_value(column_0)) = 'VARCHAR'", "leading zeros are lost"),
        ("typeof(any_value(column_3)) = 'DATE'", "dates are text"),
        ("typeof(any_value(column_4)) = 'BOOLEAN'", "booleans are text"),
        ("any_value(column_5) filter (column_1 is not null and column_5 like 'a, %') = 'a, \"quoted\" text'", "quotes are kept"),
    ],
    "flights": [("typeof(any_value(dep_delay)) in ('BIGINT', 'DOUBLE')", "delays are text")],
    "1,000 small": [("sum(value) = 612500", "values are lost")],
}


def wrong(name: str, folder: Path, rows: int) -> str:
    """What is wrong with the table that a peer wrote; empty when nothing is. Looked at outside the time."""
    import duckdb

    checks = [(f"count(*) = {rows}", f"not {rows:,} rows"), *next(c for n, c in RIGHT.items() if name.startswith(n))]
    table = f"read_parquet({[str(f) for f in written(folder)]}, union_by_name = true)"
    found = []
    for check, complaint in checks:
        try:
            good = duckdb.sql(f"select {check} from {table}").fetchone()[0]
        except duckdb.Error:
            good = False
        found += [] if good else [complaint]
    return ", ".join(found)


def lineitem(folder: Path, scale: str) -> None:
    tool = Path(sys.executable).parent / "tpchgen-cli"
    subprocess.run([str(tool), "csv", "-s", scale, "--tables=lineitem", f"--output-dir={folder}"], check=True, stdout=subprocess.DEVNULL)


def wide(folder: Path) -> None:
    """200 columns of every kind: ids with leading zeros, dates day first, decimals, nulls, text with quotes."""
    rng = random.Random(1)
    kinds = [
        lambda n: f"{n:08d}",
        lambda n: str(rng.randrange(10**6)),
        lambda n: f"{rng.random() * 1000:.3f}",
        lambda n: f"{1 + n % 28:02d}/{1 + n % 12:02d}/2026",
        lambda n: rng.choice(["", "true", "false"]),
        lambda n: '"a, ""quoted"" text"' if n % 7 == 0 else f"word {n % 97}",
        lambda n: "" if n % 3 else str(n),
    ]
    with open(folder / "wide.csv", "w") as out:
        out.write(",".join(f"column_{c}" for c in range(200)) + "\n")
        for n in range(20_000):
            out.write(",".join(kinds[c % len(kinds)](n) for c in range(200)) + "\n")


def small(folder: Path) -> None:
    for file in range(1_000):
        rows = "".join(f"{file},{n},{n * 0.5},note {n}\n" for n in range(50))
        (folder / f"{file:04d}.csv").write_text("file,id,value,note\n" + rows)


def flights(folder: Path) -> None:
    examples = Path(__file__).parent.parent / "examples/landing/ops/flights"
    plain = sorted(examples.glob("*.csv")) + sorted(examples.glob("*.csv.gz"))
    for file in plain:
        if "rotterdam" in file.name:
            continue
        if file.suffix == ".gz":
            import gzip

            (folder / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
        else:
            shutil.copy(file, folder)


def run(command: list[str], env: dict[str, str]) -> tuple[float, float, int, bool]:
    """Wall seconds, processor seconds, peak bytes and whether it ended well, which it does within PATIENCE."""
    begun = time.monotonic()
    child = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ending = threading.Timer(PATIENCE, child.kill)
    ending.start()
    _, status, usage = os.wait4(child.pid, 0)
    ending.cancel()
    return time.monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, status == 0


def written(folder: Path) -> list[Path]:
    """Data files, without those of a table's log."""
    return [f for f in folder.rglob("*.parquet") if "_delta_log" not in f.parts]


def size(folder: Path) -> int:
    return sum(f.stat().st_size for f in written(folder))


def penstock(binary: str, data: Path, out: Path) -> list[str]:
    landing = out / "landing/bench/table"
    landing.mkdir(parents=True)
    for file in data.iterdir():
        os.link(file, landing / file.name)
    (out / "policy.toml").write_text("")
    return [binary, "--lake", str(out), "ingest"]


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--penstock", required=True)
    arguments.add_argument("--profile", required=True, help="how the binary was built, for the table's title")
    arguments.add_argument("--scale", default="1", help="TPC-H scale factor of lineitem")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--write", help="the Markdown file to write")
    options = arguments.parse_args()
    inputs = {
        f"lineitem SF{options.scale}": lambda f: lineitem(f, options.scale),
        "200 columns, messy": wide,
        "flights": flights,
        "1,000 small files": small,
    }
    lines = []
    env = {**os.environ, "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "TOKIO_WORKER_THREADS": "1"}
    with tempfile.TemporaryDirectory() as place:
        for name, make in inputs.items():
            data = Path(place) / "data"
            data.mkdir()
            make(data)
            total = sum(f.stat().st_size for f in data.iterdir())
            rows = sum(f.read_bytes().count(b"\n") - 1 for f in data.iterdir())
            found: dict[str, list] = {}
            for _ in range(options.rounds):
                for peer in ["Penstock", *PEERS]:
                    if not all(r[3] for r in found.get(peer, [])):
                        continue
                    out = Path(place) / "out"
                    out.mkdir()
                    if peer == "Penstock":
                        command = penstock(options.penstock, data, out)
                    else:
                        command = [sys.executable, "-c", PEERS[peer], str(data), str(out)]
                    wall, cpu, peak, ended = run(command, env)
                    faults = wrong(name, out, rows) if ended else ""
                    found.setdefault(peer, []).append((wall, cpu, peak, ended, size(out), faults))
                    shutil.rmtree(out)
            shutil.rmtree(data)
            base = statistics.median(r[1] for r in found["DuckDB, sampled"])
            lines += [f"\n## {name}, {total / MB:.1f} MB of CSV\n"]
            lines += ["| | MB/s per core | against DuckDB | wall s | peak MB | written MB | result |", "| --- | --: | --: | --: | --: | --: | --- |"]
            for peer, runs in found.items():
                wall, cpu, peak, written = (statistics.median(r[n] for r in runs) for n in (0, 1, 2, 4))
                if not all(r[3] for r in runs):
                    lines.append(f"| {peer} | – | – | – | – | – | failed, or took more than {PATIENCE} s |")
                    continue
                lines.append(
                    f"| {peer} | {total / MB / cpu:.0f} | {base / cpu:.2f} × | {wall:.2f} | {peak / MB:.0f} | {written / MB:.1f} | {runs[0][5] or 'right'} |"
                )
            print("\n".join(lines[-len(found) - 3 :]), flush=True)
    if options.write:
        versions = subprocess.run([sys.executable, "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True).stdout
        peers = ", ".join(v for v in versions.split() if v.split("==")[0] in ("duckdb", "polars", "pyarrow", "datafusion"))
        head = (
            "# Ingest, measured\n\n"
            "What governing a query costs is measured apart: [benchmarks/governed.md](benchmarks/governed.md).\n\n"
            f"`make bench-ingest` wrote this on {time.strftime('%Y-%m-%d')}: medians of {options.rounds} rounds, all in turns on one machine, "
            f"each a process of its own held to one thread where it can be. Penstock was built with {options.profile}. {peers}.\n\n"
            "Penstock reads every value before it decides a type, holds rejected rows back with their reasons, computes a profile of each column "
            "and commits one version a file; the others read and write. "
            "DuckDB, sampled, decides by the first rows and is the base of the ratios; above 1 is faster than it.\n\n"
            "Where it loses: to DuckDB that decides by a sample, to whatever only reads and writes a wide file, and most on many tiny files, each of which is a commit with a report and a profile of its own.\n"
        )
        Path(options.write).write_text(head + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
