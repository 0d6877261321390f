"""Changes of the tables' layout, oldest first. What a released Lampway carried out never changes."""
