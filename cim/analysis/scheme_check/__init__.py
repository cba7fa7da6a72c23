"""A scheme of buildings against the limits of its site: plot ratio, density, height, setbacks, what stands outside."""
