"""What gueststar shows to people and to other software: pages, later an API and VO services."""
