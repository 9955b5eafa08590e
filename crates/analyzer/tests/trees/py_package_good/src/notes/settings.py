import os


def key() -> str:
    return os.environ["NOTES_API_KEY"]
