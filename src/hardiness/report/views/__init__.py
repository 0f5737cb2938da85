"""Views: what a page shows of a card's results beside their table, a module a card, named as the card is."""

from hardiness.report.views.card_view import CardView, register, views

__all__ = ["CardView", "register", "views"]
