"""A rule-based model behind the OpenAI protocol. It understands little; its calls are real."""
