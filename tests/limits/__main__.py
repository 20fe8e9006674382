"""``python -m tests.limits`` writes docs/limits.md."""

from .page import PAGE, page

if __name__ == "__main__":
    PAGE.write_text(page())
