"""Questions to a model of heights: profiles, slopes and aspects, cut and fill."""
