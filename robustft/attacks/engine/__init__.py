"""The search engine: runs attacks on many images at once and trusts none of them."""
