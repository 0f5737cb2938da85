"""Cards: one file a protocol, found by being here; ``hardiness.scoring.card`` says what a card is."""
