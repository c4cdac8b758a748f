"""The search engine: runs attacks on many images at once and verifies every success itself."""
