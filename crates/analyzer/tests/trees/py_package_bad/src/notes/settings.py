import os

KEY = os.environ["NOTES_API_KEY"]  # FINDING CRED-001
