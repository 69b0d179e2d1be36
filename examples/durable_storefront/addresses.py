"""Where everybody is: what one actor has to know to find another."""

from typing import Final

BOARD: Final = "/shop/board"
NEWS: Final = "/shop/news"
INVENTORY: Final = "/shop/inventory"
PAYMENT: Final = "/shop/payment"
SHIPPING: Final = "/shop/shipping"
CUSTOMERS: Final = "/shop/customers"
ORDERS: Final = "/shop/orders"
FIGURES: Final = "/shop/figures"
OFFICE: Final = "/shop/office"
