"""HTTP requests to servers that users name: public addresses only, with limits."""
