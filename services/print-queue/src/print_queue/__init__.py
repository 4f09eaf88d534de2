"""The week of every pupil, on paper."""
