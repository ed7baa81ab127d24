"""What any server of ours needs, an agent's as much as a service's."""
