"""Tells people and other systems what happened to workflows, by rules that an operator writes."""
