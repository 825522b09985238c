"""What is kept in Redis of Postgres's records, so that a message needs no call of ours."""
