/* What the classes of models/zoo/fashion are called, in the order of its scores. */
#ifndef LABELS_H
#define LABELS_H

static const char *const labels[] = {
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
};

#endif
