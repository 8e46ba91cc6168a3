"""Quality reviews: opening, scoring, disputing; samples that can be drawn again; agreement."""
