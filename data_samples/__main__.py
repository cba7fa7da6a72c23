"""``python -m data_samples --size small|county --out DIR [--seed N]``."""

import argparse
from pathlib import Path

from data_samples.city import SIZES, generate

DEFAULT_SEED = 7


def main() -> None:
    """Generate the sample city."""
    parser = argparse.ArgumentParser(
        prog="python -m data_samples", description="合成城市样例数据 Make the invented sample city."
    )
    parser.add_argument("--size", choices=sorted(SIZES), default="small", help="small: 天彭 and part of 白鹿 in detail")
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    options = parser.parse_args()
    generate(SIZES[options.size], options.seed, options.out)


if __name__ == "__main__":
    main()
