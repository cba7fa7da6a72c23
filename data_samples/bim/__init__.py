"""Building models of the sample city, and the block of city models around one of them."""
