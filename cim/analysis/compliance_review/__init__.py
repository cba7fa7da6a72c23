"""Compliance review 合规性审查: a red line against land status, control lines, plans and earlier business."""
