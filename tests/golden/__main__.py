"""``python -m tests.golden``: see ``tests.golden``."""

from __future__ import annotations

import sys

from tests.golden import find_differences, load_goldens, put_differences, write_golden


def main(arguments: list[str]) -> int:
    """Show the differences of all pages or of those named, accept them, or settle what is known."""
    command, names = (arguments[0], arguments[1:]) if arguments else ("show", [])
    goldens = [golden for golden in load_goldens() if not names or golden.name in names]
    if command not in ("show", "accept", "settle") or (command == "accept" and not names):
        print("python -m tests.golden [show [NAME …] | accept NAME … | settle [NAME …]]", file=sys.stderr)
        return 2
    for golden in goldens:
        differences = find_differences(golden)
        if command == "settle":
            left = {name: why for name, why in golden.known.items() if name in differences}
            if left != golden.known:
                write_golden(golden, expect=golden.expect, known=left)
                print(f"{golden.name}: {', '.join(sorted(set(golden.known) - set(left)))} right by now")
        elif differences:
            print(put_differences(golden, differences))
            if command == "accept":
                expect = {name: differences.get(name, (None, value))[1] for name, value in golden.expect.items()}
                write_golden(golden, expect=expect, known={})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
